#include "net/api/reference_family.h"

#include <bit>
#include <cmath>

#include "core/model/protobuf_schema.h"

namespace sluice::net::api {
namespace {

using Type = model::ProtobufField::Type;

// Fields of MetricFamily.
enum : uint32_t { kName = 1, kHelp = 2, kType = 3, kMetric = 4 };

// What follows its first field; the field itself is `before` without it.
std::string_view taken(std::string_view before, std::string_view after) {
  return before.substr(0, before.size() - after.size());
}

// The metrics of a family, with their tags: usually one piece of the message.
class Metrics {
 public:
  explicit Metrics(std::string& memory) : memory_(memory) { memory_.clear(); }

  void add(std::string_view field) {
    if (!memory_.empty()) {
      memory_.append(field);
    } else if (piece_.empty()) {
      piece_ = field;
    } else if (piece_.data() + piece_.size() == field.data()) {
      piece_ = {piece_.data(), piece_.size() + field.size()};
    } else {
      memory_.append(piece_).append(field);
    }
  }
  [[nodiscard]] std::string_view all() const { return memory_.empty() ? piece_ : std::string_view(memory_); }

 private:
  std::string& memory_;
  std::string_view piece_;
};

// The last field of that number in the message, which is a message itself or a double.
bool find_field(std::string_view message, uint32_t number, Type type, model::WireField& out) {
  bool found = false;
  for (model::WireField field; model::next_field(message, field);) {
    if (field.field() != number || !field.is_of(type)) continue;
    out = field;
    found = true;
  }
  return found && message.empty();
}

}  // namespace

Result<wal::StoredFamily, std::string> stored_family(const parser::GobFamily& family, std::string& memory) {
  wal::StoredFamily out;
  out.push_time_ns = family.time_ns;
  Metrics metrics(memory);
  uint64_t type = 0;  // a counter, when it does not say
  std::string_view rest = family.message;
  while (true) {
    const std::string_view before = rest;
    model::WireField field;
    if (!model::next_field(rest, field)) break;
    if (field.field() == kName && field.is_of(Type::kString)) {
      out.name = field.bytes;
    } else if (field.field() == kHelp && field.is_of(Type::kString)) {
      out.help = field.bytes;
      out.has_help = true;
    } else if (field.field() == kType && field.is_of(Type::kUnsigned)) {
      type = field.number;
    } else if (field.field() == kMetric && field.is_of(Type::kMessage)) {
      metrics.add(taken(before, rest));
    }
  }
  if (!rest.empty()) return std::unexpected("its bytes are no MetricFamily");
  if (type > static_cast<uint64_t>(model::kMetricTypeLast)) return std::unexpected("its type is unknown");
  out.type = static_cast<model::MetricType>(type);
  out.record = metrics.all();
  if (out.record.empty()) return std::unexpected("it has no metrics");
  return out;
}

Result<int64_t, std::string> stored_push_time(const parser::GobFamily& family) {
  model::WireField metric;
  model::WireField gauge;
  model::WireField value;
  if (!find_field(family.message, kMetric, Type::kMessage, metric) ||
      !find_field(metric.bytes, 2, Type::kMessage, gauge) || !find_field(gauge.bytes, 1, Type::kDouble, value)) {
    return std::unexpected("it is not the gateway's own gauge");
  }
  const double seconds = std::bit_cast<double>(value.number);
  if (seconds == 0) return 0;
  if (static_cast<double>(family.time_ns) / 1e9 == seconds) return family.time_ns;
  constexpr double kSecondsMax = 9.2e9;
  if (!(std::abs(seconds) < kSecondsMax)) return std::unexpected("it is not a time");
  return std::llround(seconds * 1e9);
}

}  // namespace sluice::net::api
