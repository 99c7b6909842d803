// Parses a body of varint-delimited io.prometheus.client.MetricFamily messages into model::Families.
//
// What is malformed, and its text, is what Go's protodelim and proto.Unmarshal make of the same bytes: fields in any
// order, unknown fields and groups are skipped, a repeated scalar's last value wins, repeated messages that are not
// lists are merged, a field of another wire type is unknown, strings need not be UTF-8 (names and values are the
// canonicaliser's business). Of several families with one name the last one counts. A length that is announced is
// compared with the bytes that are there and never allocated.
//
// Where it differs from the reference: a family with metrics and an unknown type is refused (the reference cuts every
// later scrape at it), as are more than limits::kLabelsPerSeriesMax labels and names of more than
// limits::kNameBytesMax.
//
// Every metric keeps a view of its message (`exact`); kNeedsRecord says that text cannot express it.
//
// A resumable machine: a stack of messages, one field a step; labels, plain values and small metrics made of nothing
// else take a short cut. What is looked
// at in one piece is a scalar or a name. One owner, one thread; reused from body to body without allocating once its
// tables have grown. Views in the result point into the body, behind whose end nothing is read. O(bytes); a family
// whose type stands behind its metrics is read twice.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/clock.h"
#include "core/base/large_memory.h"
#include "core/base/limit_table.h"
#include "core/model/families.h"
#include "parser/index_table.h"
#include "parser/text_number.h"

namespace sluice::parser {

class ProtobufParser {
 public:
  enum class Step : uint8_t {
    kMore,   // the deadline has passed: call step() again
    kDone,   // the families are complete
    kError,  // the body is malformed: error() says why; the families are to be ignored
  };

  ProtobufParser() = default;
  ProtobufParser(const ProtobufParser&) = delete;
  ProtobufParser& operator=(const ProtobufParser&) = delete;

  // Begins a body. Clears `out`. Body and `out` must stay until the last step. `keep_all`: the family of a metric
  // without the content of its type is read to its end, for who does not refuse the push because of it.
  void start(std::string_view body, model::Families& out, bool keep_all = false);

  // Goes on until the end, an error or the deadline, which is looked at every few microseconds.
  [[nodiscard]] Step step(Deadline deadline);

  // From the next start() on, `numbers` is told where the numbers of live metrics stand in the body: values, sums and
  // counts, in the order in which they are read, which is not that of the body where a message is read twice. Bounds
  // are no numbers. nullptr for none.
  void note_numbers(std::vector<TextNumber>* numbers) noexcept { numbers_ = numbers; }

  // Whether the text form has just this number: not a negative zero or a NaN that Go would not make, nor a count that
  // is no float. Else the metric has kNeedsRecord.
  [[nodiscard]] static bool text_says(double value) noexcept {
    const auto bits = std::bit_cast<uint64_t>(value);
    return (value != 0 || bits == 0) && (value == value || bits == kGoNan);
  }
  [[nodiscard]] static bool text_says(uint64_t count) noexcept { return count <= kExactCountMax; }

  // After kError, in the reference's words.
  [[nodiscard]] const std::string& error() const noexcept { return error_; }
  // What the body is beyond, where that is the error.
  [[nodiscard]] std::optional<limits::Limit> limit() const noexcept { return limit_; }

 private:
  // The NaN that parsing the text gives (Go's math.NaN).
  static constexpr uint64_t kGoNan = 0x7ff8000000000001;
  static constexpr uint64_t kExactCountMax = uint64_t{1} << 53;

  // The messages, by how their fields are read; gauge and untyped are one, and so are packed integers.
  enum class Kind : uint8_t {
    kNone,
    kFamily,
    kMetric,
    kLabel,
    kValue,
    kCounter,
    kSummary,
    kQuantile,
    kHistogram,
    kBucket,
    kSpan,
    kExemplar,
    kTimestamp,
    kPackedVarints,
  };
  enum class State : uint8_t { kBetween, kInMessage, kInGroup, kForgetting, kTypes };

  struct Message {
    const char* end = nullptr;
    Kind kind = Kind::kNone;
    bool live = false;  // its fields go into the families; else they are only checked
  };

  // One field as read: numbers in `number`, doubles as their bits.
  struct Field {
    uint32_t tag = 0;
    uint64_t number = 0;
    std::string_view bytes;
    const char* value = nullptr;  // where a number stands
  };

  // Each does one step; false at the end of the body or on an error (state of error_).
  [[nodiscard]] bool advance();
  [[nodiscard]] bool begin_family();
  [[nodiscard]] bool read_field();
  [[nodiscard]] bool read_group_field();
  [[nodiscard]] bool forget_metrics();
  [[nodiscard]] bool check_types();
  // Reads the value behind a tag into `field`; false when malformed.
  [[nodiscard]] bool read_value(Field& field, const char* end);
  [[nodiscard]] bool malformed();
  [[nodiscard]] bool fail(std::string text, std::optional<limits::Limit> limit = std::nullopt);

  // The message that a field of `kind` is, or kNone.
  [[nodiscard]] static Kind message_of(Kind kind, uint32_t tag) noexcept;
  [[nodiscard]] bool open(Kind kind, const Field& field, bool live);
  // Prepares for a message inside a metric; whether its fields go into the families (only the content that the family's
  // type asks for does).
  [[nodiscard]] bool begin_part(Kind kind, const Field& field);
  [[nodiscard]] bool close();
  [[nodiscard]] bool close_family();
  void close_metric();
  [[nodiscard]] bool close_label();
  void close_point(Kind kind);

  // Take a field that is no message into the families.
  [[nodiscard]] bool take(Kind kind, const Field& field);
  [[nodiscard]] bool take_family(const Field& field);
  void take_metric(const Field& field);
  void take_label(const Field& field);
  void take_value(const Field& field);
  void take_summary(const Field& field);
  void take_histogram(const Field& field);
  void take_quantile(const Field& field);
  void take_bucket(const Field& field);
  // The short cuts: a metric, label or plain value as every client writes it. False to go the long way.
  [[nodiscard]] bool take_plain_metric(std::string_view message);
  [[nodiscard]] bool take_plain(Kind kind, const Field& field);
  [[nodiscard]] bool take_plain_label(std::string_view message);
  [[nodiscard]] bool take_plain_value(std::string_view message);

  void open_metric(std::string_view message);
  void note_inexact() noexcept { metric().fields |= model::kNeedsRecord; }
  void note_double(double value) noexcept {
    if (!text_says(value)) note_inexact();
  }
  void note_count(uint64_t count) noexcept {
    if (!text_says(count)) note_inexact();
  }
  void note_number(const Field& field, TextNumber::Meaning meaning) {
    if (numbers_ != nullptr) add_number(field, meaning);
  }
  void add_number(const Field& field, TextNumber::Meaning meaning);
  [[nodiscard]] model::Metric& metric() noexcept { return out_->metrics[metric_]; }

  const char* at_ = nullptr;
  const char* body_begin_ = nullptr;
  const char* body_end_ = nullptr;
  model::Families* out_ = nullptr;
  State state_ = State::kBetween;
  std::string error_;
  std::optional<limits::Limit> limit_;
  std::vector<TextNumber>* numbers_ = nullptr;

  std::array<Message, 8> stack_;  // a label of an exemplar of a bucket is the deepest
  size_t depth_ = 0;
  std::vector<uint32_t> groups_;  // numbers of the groups that are open, all of them unknown fields

  // The family being read.
  const char* family_begin_ = nullptr;
  uint32_t family_ = 0;
  int32_t type_ = 0;              // as it came
  bool type_final_ = false;       // read in an earlier pass over the family
  bool only_type_ = false;        // the type changed behind a metric: look for the last one, then read the family again
  bool group_in_metric_ = false;  // no record then
  bool keep_all_ = false;
  bool wrong_content_ = false;  // a metric lacked the content of the type
  size_t metrics_begin_ = 0;
  size_t labels_begin_ = 0;
  size_t points_begin_ = 0;

  // The metric being read.
  uint32_t metric_ = 0;
  uint8_t wanted_ = 0;    // the content that its family's type asks for: a bit for each field number
  uint8_t contents_ = 0;  // those that it has
  bool value_seen_ = false;
  bool inf_seen_ = false;
  model::Point point_;
  uint8_t point_fields_ = 0;

  struct OddType {
    uint32_t family = 0;
    int32_t type = 0;
  };
  LargeVector<OddType> odd_types_;

  IndexTable by_name_;              // into latest_
  LargeVector<uint32_t> latest_;    // for each name the family that counts
  uint32_t forget_ = model::kNone;  // next metric of a family that a later one replaces
};

}  // namespace sluice::parser
