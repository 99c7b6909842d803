#include "parser/gob_groups.h"

namespace sluice::parser {
namespace {

// The longest that Go's own types need is some hundred bytes; the fields of a struct come with their names.
constexpr uint64_t kDefinitionBytesMax = uint64_t{64} * 1024;

constexpr const char* kNotGroups = "it is no map of metric groups";
constexpr const char* kTooOld =
    "its groups have the form of a Pushgateway before 0.10, which only version 0.10 converts: start that on it once";

bool is_opaque(const GobTypes& types, int64_t id) {
  const GobType* const type = types.find(id);
  return type != nullptr && type->kind == GobType::Kind::kOpaque;
}

// The type of field `index`, if it is of that kind.
const GobType* field_of(const GobTypes& types, const GobType& owner, int64_t index, GobType::Kind kind) {
  if (index < 0) return nullptr;
  const GobType* const type = types.find(owner.fields[static_cast<size_t>(index)].type);
  return type != nullptr && type->kind == kind ? type : nullptr;
}

uint64_t big_endian(std::string_view bytes) noexcept {
  uint64_t value = 0;
  for (const char c : bytes) value = value << 8 | static_cast<uint8_t>(c);
  return value;
}

}  // namespace

bool decode_go_time(std::string_view bytes, int64_t& unix_ns) noexcept {
  // version | seconds since year 1, 8 bytes | nanoseconds, 4 bytes | offset of the zone in minutes, 2 bytes | in
  // version 2 its seconds; all big-endian.
  constexpr int64_t kUnixEpoch = 62'135'596'800;
  constexpr int64_t kBillion = 1'000'000'000;
  if (bytes.size() != (bytes.starts_with('\x02') ? 16 : 15) || (bytes[0] != 1 && bytes[0] != 2)) return false;
  const auto seconds = static_cast<int64_t>(big_endian(bytes.substr(1, 8)));
  const auto nanoseconds = static_cast<int64_t>(big_endian(bytes.substr(9, 4)));
  if (nanoseconds >= kBillion) return false;
  unix_ns = 0;
  if (seconds == 0 && nanoseconds == 0) return true;
  constexpr int64_t kSecondsMax = INT64_MAX / kBillion - 1;
  if (seconds < kUnixEpoch - kSecondsMax || seconds > kUnixEpoch + kSecondsMax) return false;
  unix_ns = (seconds - kUnixEpoch) * kBillion + nanoseconds;
  return true;
}

GobGroups::Step GobGroups::fail(std::string_view why, uint64_t offset) {
  error_.assign(why).append(" (at offset ").append(std::to_string(offset)).append(")");
  return Step::kError;
}

GobGroups::Step GobGroups::stop(const GobCursor& cursor) {
  return cursor.is_short() ? Step::kMore : fail(cursor.problem(), cursor.offset());
}

GobGroups::Step GobGroups::step(std::string_view window, GobGroup& out) {
  if (!error_.empty()) return Step::kError;
  const uint64_t begin = offset_;
  if (!in_groups_) {
    if (const Step step = take_types(window); step != Step::kGroup) return step;
  }
  if (groups_left_ > 0) return take_group(window.substr(offset_ - begin), out);
  if (offset_ != end_) return fail("the value is longer than its groups", offset_);
  if (offset_ != file_bytes_) return fail("something stands behind the groups", offset_);
  return Step::kEnd;
}

GobGroups::Step GobGroups::take_types(std::string_view window) {
  const uint64_t begin = offset_;
  while (true) {
    const std::string_view rest = window.substr(offset_ - begin);
    GobCursor cursor(rest, offset_, file_bytes_);
    const uint64_t bytes = cursor.take_unsigned();
    const uint64_t message_at = cursor.offset();
    if (bytes > cursor.left()) cursor.fail("a message is longer than the file, which was cut off or is something else");
    GobCursor inside(cursor.rest(), message_at, message_at + bytes);
    const int64_t id = inside.take_signed();
    if (!cursor.ok()) return stop(cursor);
    if (!inside.ok()) return stop(inside);
    if (id < 0) {
      if (bytes > kDefinitionBytesMax) return fail("a type definition is too long", message_at);
      if (bytes > cursor.rest().size()) return Step::kMore;
      types_.define(inside, id == INT64_MIN ? id : -id);
      if (inside.ok() && inside.left() != 0) inside.fail("a type definition is longer than its type");
      if (!inside.ok()) return stop(inside);
      offset_ = message_at + bytes;
      continue;
    }
    if (const char* const why = find_shape(id); why != nullptr) return fail(why, message_at);
    // Only a struct stands in its message without a zero before it.
    if (inside.take_unsigned() != 0) inside.fail(kNotGroups);
    const uint64_t groups = inside.take_count();
    if (!inside.ok()) return stop(inside);
    end_ = message_at + bytes;
    offset_ = inside.offset();
    groups_left_ = groups;
    in_groups_ = true;
    return Step::kGroup;
  }
}

// Why the value is not what is read here, or nullptr.
const char* GobGroups::find_shape(int64_t id) {
  using Kind = GobType::Kind;
  const GobType* const groups = types_.find(id);
  if (groups == nullptr || groups->kind != Kind::kMap) return kNotGroups;
  shape_.group = types_.find(groups->element);
  if (shape_.group == nullptr || shape_.group->kind != Kind::kStruct) return kNotGroups;
  shape_.labels = shape_.group->find("Labels");
  shape_.metrics = shape_.group->find("Metrics");
  const GobType* const labels = field_of(types_, *shape_.group, shape_.labels, Kind::kMap);
  const GobType* const metrics = field_of(types_, *shape_.group, shape_.metrics, Kind::kMap);
  if (labels == nullptr || metrics == nullptr) return kNotGroups;
  if (groups->key != GobTypes::kString) return kTooOld;
  if (labels->key != GobTypes::kString || labels->element != GobTypes::kString) return kNotGroups;
  shape_.family = types_.find(metrics->element);
  if (metrics->key != GobTypes::kString || shape_.family == nullptr || shape_.family->kind != Kind::kStruct) {
    return kNotGroups;
  }
  shape_.time = shape_.family->find("Timestamp");
  shape_.message = shape_.family->find("GobbableMetricFamily");
  if (shape_.message < 0) return kTooOld;
  if (shape_.time < 0) return kNotGroups;
  for (const int64_t field : {shape_.time, shape_.message}) {
    if (!is_opaque(types_, shape_.family->fields[static_cast<size_t>(field)].type)) return kNotGroups;
  }
  return nullptr;
}

GobGroups::Step GobGroups::take_group(std::string_view window, GobGroup& out) {
  out.labels.clear();
  out.families.clear();
  GobCursor cursor(window, offset_, end_);
  static_cast<void>(cursor.take_bytes());  // the key: the labels, joined
  for (GobStructWalk fields(*shape_.group); fields.next(cursor);) {
    if (fields.index() == shape_.labels) {
      take_labels(cursor, out);
    } else if (fields.index() == shape_.metrics) {
      take_families(cursor, out);
    } else {
      types_.skip(cursor, fields.type());
    }
  }
  if (!cursor.ok()) return stop(cursor);
  offset_ = cursor.offset();
  --groups_left_;
  return Step::kGroup;
}

void GobGroups::take_labels(GobCursor& cursor, GobGroup& out) const {
  for (uint64_t count = cursor.take_count(); count > 0 && cursor.ok(); --count) {
    model::LabelPair& label = out.labels.emplace_back();
    label.name = cursor.take_bytes();
    label.value = cursor.take_bytes();
  }
}

void GobGroups::take_families(GobCursor& cursor, GobGroup& out) const {
  for (uint64_t count = cursor.take_count(); count > 0 && cursor.ok(); --count) {
    GobFamily& family = out.families.emplace_back();
    family.name = cursor.take_bytes();
    for (GobStructWalk fields(*shape_.family); fields.next(cursor);) {
      if (fields.index() == shape_.time) {
        const std::string_view time = cursor.take_bytes();
        if (cursor.ok() && !decode_go_time(time, family.time_ns)) cursor.fail("not a time");
      } else if (fields.index() == shape_.message) {
        family.message = cursor.take_bytes();
      } else {
        types_.skip(cursor, fields.type());
      }
    }
  }
}

}  // namespace sluice::parser
