#include "core/render/text_prototext.h"

#include "core/render/text_wire.h"

namespace sluice::render {

namespace {

using model::MetricType;

std::string_view content_name(MetricType type) noexcept {
  switch (type) {
    case MetricType::kGauge:
      return "gauge";
    case MetricType::kCounter:
      return "counter";
    case MetricType::kSummary:
      return "summary";
    case MetricType::kUntyped:
      return "untyped";
    case MetricType::kHistogram:
    case MetricType::kGaugeHistogram:
      break;
  }
  return "histogram";
}

}  // namespace

void TextPrototext::begin_family(std::string_view name, MetricType type, NameEscaping escaping) {
  reader_.begin_family(name, type, escaping, false);
  content_name_ = content_name(type);
}

void TextPrototext::start(std::string_view source, bool) {
  reader_.start(source);
  phase_ = Phase::kNext;
}

bool TextPrototext::write(std::string& stage, uint32_t& work) {
  while (stage.size() < kStageBytes && work < kWorkPerCheck) {
    switch (phase_) {
      case Phase::kNext: {
        const SampleReader::Step step = reader_.next(work, kWorkPerCheck);
        if (step != SampleReader::Step::kMetric) return step == SampleReader::Step::kEnd;
        out_.name("metric");
        out_.open();
        label_ = 0;
        phase_ = Phase::kLabel;
        break;
      }
      case Phase::kLabel:
        begin_label();
        ++work;
        break;
      case Phase::kValue:
        write_value(work);
        break;
      case Phase::kContent:
        write_content();
        ++work;
        break;
      case Phase::kPoint:
        write_point(work);
        break;
    }
  }
  return false;
}

void TextPrototext::begin_label() {
  if (label_ == reader_.labels().size()) {
    phase_ = Phase::kContent;
    return;
  }
  const SampleReader::Label& label = reader_.labels()[label_++];
  out_.name("label");
  out_.open();
  out_.name("name");
  out_.string(reader_.name_of(label));
  out_.name("value");
  out_.begin_string();
  value_rest_ = label.value;
  phase_ = Phase::kValue;
}

void TextPrototext::write_value(uint32_t& work) {
  const size_t bytes = piece_bytes(value_rest_, kPieceBytes, true);
  piece_.clear();
  append_unescaped(piece_, value_rest_.substr(0, bytes));
  out_.string_piece(piece_);
  value_rest_.remove_prefix(bytes);
  work += static_cast<uint32_t>(bytes / 32);
  if (!value_rest_.empty()) return;
  out_.end_string();
  out_.close();
  phase_ = Phase::kLabel;
}

void TextPrototext::write_content() {
  out_.name(content_name_);
  out_.open();
  if (reader_.has_points()) {
    out_.name("sample_count");
    out_.number(reader_.count());
    out_.name("sample_sum");
    out_.number_text(reader_.sum());
    reader_.rewind_points();
    phase_ = Phase::kPoint;
    return;
  }
  out_.name("value");
  out_.number_text(reader_.value());
  out_.close();
  out_.close();
  phase_ = Phase::kNext;
}

void TextPrototext::write_point(uint32_t& work) {
  SampleReader::Point point;
  const SampleReader::Step step = reader_.next_point(point, work, kWorkPerCheck);
  if (step == SampleReader::Step::kMore) return;
  if (step == SampleReader::Step::kEnd) {
    out_.close();
    out_.close();
    phase_ = Phase::kNext;
    return;
  }
  const bool histogram = reader_.is_histogram();
  out_.name(histogram ? "bucket" : "quantile");
  out_.open();
  if (histogram) {
    out_.name("cumulative_count");
    out_.number(read_count(point.value));
    out_.name("upper_bound");
    out_.number_text(point.bound);
  } else {
    out_.name("quantile");
    out_.number_text(point.bound);
    out_.name("value");
    out_.number_text(point.value);
  }
  out_.close();
}

}  // namespace sluice::render
