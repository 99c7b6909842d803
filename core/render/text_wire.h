// Metrics of sample lines as fields of a MetricFamily message on the wire.
#pragma once

#include "core/render/metrics_writer.h"
#include "core/render/sample_reader.h"

namespace sluice::render {

class TextWire final : public MetricsWriter {
 public:
  void begin_family(std::string_view name, model::MetricType type, NameEscaping escaping) override;
  void start(std::string_view source, bool has_quoted_names) override;
  [[nodiscard]] bool measure(uint64_t& bytes, uint32_t& work) override;
  [[nodiscard]] bool write(std::string& stage, uint32_t& work) override;

 private:
  enum class Phase : uint8_t { kNext, kLabel, kValue, kContent, kPoint };

  [[nodiscard]] uint64_t content_bytes() const noexcept;
  [[nodiscard]] uint64_t metric_bytes(uint32_t& work) const noexcept;
  void begin_label(std::string& stage);
  void write_value(std::string& stage, uint32_t& work);
  void write_content(std::string& stage);
  // False when the metric is complete.
  [[nodiscard]] bool write_point(std::string& stage, uint32_t& work);

  SampleReader reader_;
  uint32_t content_field_ = 0;
  Phase phase_ = Phase::kNext;
  size_t label_ = 0;
  std::string_view value_rest_;
};

// Appends `text`, a piece of a label value as sample lines spell it, with its escapes resolved.
void append_unescaped(std::string& out, std::string_view text);

}  // namespace sluice::render
