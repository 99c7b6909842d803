// Metrics of sample lines as Go's prototext of a MetricFamily message.
#pragma once

#include "core/render/metrics_writer.h"
#include "core/render/prototext_writer.h"
#include "core/render/sample_reader.h"

namespace sluice::render {

class TextPrototext final : public MetricsWriter {
 public:
  // The stage of write() is always the string that `out` appends to.
  explicit TextPrototext(PrototextWriter& out) : out_(out) {}

  void begin_family(std::string_view name, model::MetricType type, NameEscaping escaping) override;
  void start(std::string_view source, bool has_quoted_names) override;
  // This format says no lengths.
  [[nodiscard]] bool measure(uint64_t&, uint32_t&) override { return true; }
  [[nodiscard]] bool write(std::string& stage, uint32_t& work) override;

 private:
  enum class Phase : uint8_t { kNext, kLabel, kValue, kContent, kPoint };

  void begin_label();
  void write_value(uint32_t& work);
  void write_content();
  void write_point(uint32_t& work);

  PrototextWriter& out_;
  SampleReader reader_;
  std::string_view content_name_;
  Phase phase_ = Phase::kNext;
  size_t label_ = 0;
  std::string_view value_rest_;
  std::string piece_;
};

}  // namespace sluice::render
