// Reads one io.prometheus.client.Metric message of a fragment's record, in pieces.
//
// The parser has checked these bytes, so a field that does not fit ends the message and nothing is reported. Fields in
// any order, the last of a repeated scalar counts, repeated content is merged: proto.Unmarshal's rules. Labels come
// first in a record. One owner, one thread; the message must stay while it is read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "parser/native_buckets.h"

namespace sluice::parser {

// The fields of a message, one after the other.
class WireFields {
 public:
  WireFields() = default;
  explicit WireFields(std::string_view message) noexcept : at_(message.data()), end_(at_ + message.size()) {}

  // False at the end.
  [[nodiscard]] bool next() noexcept;
  // Of the field that next() found: its tag (number and wire type), and its value by wire type.
  [[nodiscard]] uint32_t tag() const noexcept { return tag_; }
  [[nodiscard]] uint64_t number() const noexcept { return number_; }
  [[nodiscard]] double real() const noexcept;
  [[nodiscard]] std::string_view bytes() const noexcept { return bytes_; }

 private:
  const char* at_ = nullptr;
  const char* end_ = nullptr;
  uint32_t tag_ = 0;
  uint64_t number_ = 0;
  std::string_view bytes_;
};

class MetricRecord {
 public:
  enum class Event : uint8_t {
    kField,  // something was read
    kPoint,  // a quantile or a bucket: `point`
    kEnd,    // that was all
  };
  struct Point {
    double bound = 0;
    double value = 0;  // at the quantile; of a bucket its count as a float, or 0
    uint64_t count = 0;
  };

  // Reads the summary of a summary's metric, else the histogram; values of gauges, counters and untyped always.
  // `native` is cleared and takes the native part of a histogram.
  void begin(std::string_view message, bool summary, NativeBuckets& native) noexcept;
  // A bounded piece of work.
  [[nodiscard]] Event next();

  // Appends the labels as a JSON object.
  void append_labels(std::string& out) const;
  // As the reference picks it: the gauge's, else the counter's, else the untyped one's, else 0.
  [[nodiscard]] double value() const noexcept;

  Point point;
  uint64_t count = 0;
  double count_float = 0;
  double sum = 0;

 private:
  enum class Packed : uint8_t { kDeltas, kCounts };

  [[nodiscard]] Event take_metric_field();
  [[nodiscard]] Event take_summary_field();
  [[nodiscard]] Event take_histogram_field();
  void take_native_field();
  void take_value(size_t content, std::string_view message);
  void take_span(NativeBuckets::Side& side, std::string_view message);
  void take_packed();

  std::string_view message_;
  bool summary_ = false;
  NativeBuckets* native_ = nullptr;
  WireFields fields_;   // of the metric
  WireFields content_;  // of its summary or histogram
  bool in_content_ = false;
  std::string_view packed_;  // numbers to come of a packed field
  Packed packed_kind_ = Packed::kDeltas;
  NativeBuckets::Side* packed_side_ = nullptr;
  double values_[3] = {};  // gauge, counter, untyped
  bool has_value_[3] = {};
};

}  // namespace sluice::parser
