#include "net/api/inconsistency.h"

#include <optional>

#include "net/api/push.h"
#include "net/api/stored_family.h"
#include "parser/conflict_text.h"

namespace sluice::net::api {
namespace {

using model::Conflict;
using model::ConflictKind;

// A stored family, parsed again. The grouping labels stand in its text, so the key is empty.
class Reparsed {
 public:
  Reparsed(const model::Version& version, uint32_t family) {
    const model::ShapeFamily& shape = version.shape().family(family);
    const model::Fragment fragment = version.fragment(family);
    const wal::StoredFamily stored{
        shape.name, shape.help, shape.has_help, shape.type, version.push_time_ns(), fragment.text(), fragment.record()};
    if (stored.record.empty()) {
      append_whole_text(body_, stored);
      scratch_.text_parser.start(body_, parser::NameScheme::kUtf8, scratch_.families);
      good_ = scratch_.text_parser.step(Deadline::never()) == parser::TextParser::Step::kDone;
    } else {
      append_stored_record(body_, stored);
      scratch_.protobuf_parser.start(body_, scratch_.families);
      good_ = scratch_.protobuf_parser.step(Deadline::never()) == parser::ProtobufParser::Step::kDone;
    }
    good_ = good_ && scratch_.families.families.size() == 1;
  }

  [[nodiscard]] std::string text_of(const Conflict& conflict) const {
    return parser::conflict_text(conflict, scratch_.families, {});
  }
  [[nodiscard]] bool has_metric(uint32_t index) const { return good_ && index < scratch_.families.metrics.size(); }
  // The conflict for which a push of it would have been refused.
  [[nodiscard]] std::optional<Conflict> own_conflict() {
    if (!good_) return std::nullopt;
    scratch_.canonicaliser.begin(scratch_.families, {}, scratch_.push);
    if (scratch_.canonicaliser.step(Deadline::never()) != parser::Canonicaliser::State::kConflict) return std::nullopt;
    return scratch_.canonicaliser.conflict();
  }

 private:
  PushScratch scratch_;
  std::string body_;
  bool good_ = false;
};

// What can be said of a family that cannot be read back: a name or label that no text can hold.
std::string unreadable(const model::Version& version, uint32_t family) {
  return "collected metric family \"" + std::string(version.shape().family(family).name) +
         "\" is inconsistent in the group {" + std::string(version.label_text()) + "}";
}

}  // namespace

std::string type_inconsistency(const model::Version& version, uint32_t family, model::MetricType type, bool own) {
  const Reparsed parsed(version, family);
  if (!parsed.has_metric(0)) return unreadable(version, family);
  Conflict conflict;
  conflict.kind = ConflictKind::kTypeMismatch;
  conflict.family = 0;
  conflict.other_type = type;
  conflict.other_is_own = own;
  return parsed.text_of(conflict);
}

std::string duplicate_inconsistency(const model::Version& version, uint32_t family, uint32_t index) {
  const Reparsed parsed(version, family);
  if (!parsed.has_metric(index)) return unreadable(version, family);
  Conflict conflict;
  conflict.kind = ConflictKind::kDuplicateSeries;
  conflict.family = 0;
  conflict.metric = index;
  return parsed.text_of(conflict);
}

std::string fragment_inconsistency(const model::Version& version, uint32_t family) {
  Reparsed parsed(version, family);
  const std::optional<Conflict> conflict = parsed.own_conflict();
  return conflict ? parsed.text_of(*conflict) : unreadable(version, family);
}

std::string collision_inconsistency(std::string_view name, std::string_view other, model::MetricType other_type) {
  model::Families families;
  families.families.emplace_back().name = name;
  Conflict conflict;
  conflict.kind = ConflictKind::kSuffixCollision;
  conflict.family = 0;
  conflict.other_name = other;
  conflict.other_type = other_type;
  return parser::conflict_text(conflict, families, {});
}

}  // namespace sluice::net::api
