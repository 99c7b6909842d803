#include "parser/text_fast_names.h"

#include "core/base/hash.h"
#include "parser/text_reserve.h"

namespace sluice::parser {
namespace {

using model::MetricType;

struct Suffix {
  std::string_view text;
  NameRole role;
  bool of_summaries;
};
constexpr Suffix kSuffixes[] = {
    {"_count", NameRole::kCount, true}, {"_sum", NameRole::kSum, true}, {"_bucket", NameRole::kBucket, false}};

}  // namespace

void MetricNames::start(size_t body_bytes, model::Families& families) {
  families_ = &families;
  names_.clear();
  type_known_.clear();
  by_hash_.clear();
  if (body_bytes >= kLargeBodyBytes) {
    reserve_room(names_, body_bytes / kShortestLine + 1, body_bytes / kBytesPerFamily);
    reserve_room(type_known_, body_bytes / kShortestLine + 1, body_bytes / kBytesPerFamily);
  }
}

uint32_t MetricNames::find(std::string_view name, uint64_t hash) const {
  return by_hash_.find(hash, [&](uint32_t index) { return names_[index].known.view() == name; });
}

bool MetricNames::resolve_suffix(std::string_view name, MetricName& out) const {
  // The last letters of the suffixes; nearly every name is done here.
  if (name.back() != 't' && name.back() != 'm') return false;
  for (const Suffix& suffix : kSuffixes) {
    if (name.size() <= suffix.text.size() || !name.ends_with(suffix.text)) continue;
    const std::string_view base = name.substr(0, name.size() - suffix.text.size());
    const uint32_t found = find(base, keyed_hash(base));
    if (found == model::kNone || names_[found].role != NameRole::kPlain) return false;
    const uint32_t family = names_[found].family;
    const MetricType type = families_->families[family].type;
    const bool histogram = type == MetricType::kHistogram || type == MetricType::kGaugeHistogram;
    if (!histogram && !(suffix.of_summaries && type == MetricType::kSummary)) return false;
    out.family = family;
    out.role = suffix.role;
    return true;
  }
  return false;
}

uint32_t MetricNames::find_or_add(std::string_view name) {
  const uint64_t hash = keyed_hash(name);
  const uint32_t found = find(name, hash);
  if (found != model::kNone) return found;

  const auto index = static_cast<uint32_t>(names_.size());
  MetricName& added = names_.emplace_back();
  added.known.prepare(name);
  added.successor = index;
  if (!resolve_suffix(name, added)) {
    added.family = static_cast<uint32_t>(families_->families.size());
    families_->families.emplace_back().name = name;
    type_known_.push_back(0);
  }
  by_hash_.insert(hash, index);
  return index;
}

}  // namespace sluice::parser
