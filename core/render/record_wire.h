// Metrics of a record as fields of a MetricFamily message on the wire: copied, with their names escaped where asked.
//
// A record (parser/canonical_record.cc) is a MetricFamily message of metrics only, each with its labels first; what is
// behind the labels is copied as it came.
#pragma once

#include "core/render/metrics_writer.h"

namespace sluice::render {

class RecordWire final : public MetricsWriter {
 public:
  void begin_family(std::string_view name, model::MetricType type, NameEscaping escaping) override;
  void start(std::string_view source, bool has_quoted_names) override;
  [[nodiscard]] bool measure(uint64_t& bytes, uint32_t& work) override;
  [[nodiscard]] bool write(std::string& stage, uint32_t& work) override;

 private:
  enum class Phase : uint8_t { kNext, kMeasureLabels, kMetric, kLabel, kCopy };
  struct Label {
    std::string_view name;
    std::string_view value;
  };

  // True when a metric stands, measured; false at the end or when the work is done.
  [[nodiscard]] bool next_metric(uint32_t& work);
  // Takes the label at the front of `message`; false when there is none.
  [[nodiscard]] static bool take_label(std::string_view& message, Label& label);
  [[nodiscard]] std::string_view escaped(std::string_view name);
  void write_label(std::string& stage, uint32_t& work);
  void copy(std::string& stage, uint32_t& work);

  NameEscaping escaping_ = NameEscaping::kUnderscores;
  bool rewrite_ = false;  // names may have to be escaped
  Phase phase_ = Phase::kNext;
  std::string_view rest_;          // metrics not looked at
  std::string_view metric_;        // the one that stands
  std::string_view labels_rest_;   // of it, being measured
  std::string_view copy_rest_;     // being copied
  std::string_view behind_value_;  // what follows once the value of a label is copied
  uint64_t metric_bytes_ = 0;
  std::string name_;
};

}  // namespace sluice::render
