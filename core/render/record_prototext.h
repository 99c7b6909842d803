// Metrics of a record as Go's prototext of a MetricFamily message.
//
// Fields are printed in the order of their declaration, whatever their order on the wire, so each message is read once
// for every field that it has; of a field that is not a list the last one counts. Unknown fields are left out (Go
// prints them by their numbers).
#pragma once

#include <array>
#include <cstddef>
#include <span>

#include "core/model/protobuf_schema.h"
#include "core/render/metrics_writer.h"
#include "core/render/prototext_writer.h"

namespace sluice::render {

class RecordPrototext final : public MetricsWriter {
 public:
  // The stage of write() is always the string that `out` appends to.
  explicit RecordPrototext(PrototextWriter& out) : out_(out) {}

  void begin_family(std::string_view name, model::MetricType type, NameEscaping escaping) override;
  void start(std::string_view source, bool has_quoted_names) override;
  // This format says no lengths.
  [[nodiscard]] bool measure(uint64_t&, uint32_t&) override { return true; }
  [[nodiscard]] bool write(std::string& stage, uint32_t& work) override;

 private:
  // A message that is open.
  struct Frame {
    std::string_view message;
    std::string_view rest;  // of it, in the present pass
    std::span<const model::ProtobufField> fields;
    size_t field = 0;       // that is being looked for
    uint32_t present = 0;   // a bit for each number that occurs
    bool surveyed = false;  // `present` is complete
    bool has_last = false;
    model::WireField last;    // of a field that is no list
    std::string_view packed;  // numbers to be printed
  };

  void push(std::string_view message, std::span<const model::ProtobufField> fields);
  // Each does one step of the frame on top; the record is through when there is none.
  void step(uint32_t& work);
  void survey(Frame& frame, uint32_t& work);
  void look_for_field(Frame& frame, uint32_t& work);
  void end_of_pass(Frame& frame);
  void next_present(Frame& frame);
  void write_field(const model::ProtobufField& field, const model::WireField& value);
  void write_string(const model::ProtobufField& field, std::string_view text);
  void string_step(uint32_t& work);

  PrototextWriter& out_;
  NameEscaping escaping_ = NameEscaping::kUnderscores;
  bool rewrite_ = false;
  std::array<Frame, 8> frames_;  // family, metric, histogram, bucket, exemplar, label are the deepest
  size_t depth_ = 0;
  bool in_string_ = false;
  std::string_view string_rest_;
  std::string name_;
};

}  // namespace sluice::render
