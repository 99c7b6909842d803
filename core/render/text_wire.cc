#include "core/render/text_wire.h"

#include <cstring>

#include "core/render/prototext_writer.h"
#include "core/render/wire.h"

namespace sluice::render {

namespace {

using model::MetricType;

constexpr uint32_t kMetricField = 4;
constexpr uint32_t kLabelField = 1;
// A message with one double.
constexpr uint64_t kValueBytes = 9;

// The field of Metric that has the content of a type.
uint32_t content_field(MetricType type) noexcept {
  switch (type) {
    case MetricType::kGauge:
      return 2;
    case MetricType::kCounter:
      return 3;
    case MetricType::kSummary:
      return 4;
    case MetricType::kUntyped:
      return 5;
    case MetricType::kHistogram:
    case MetricType::kGaugeHistogram:
      break;
  }
  return 7;
}

}  // namespace

void append_unescaped(std::string& out, std::string_view text) {
  while (!text.empty()) {
    const void* const found = std::memchr(text.data(), '\\', text.size());
    const size_t plain =
        found == nullptr ? text.size() : static_cast<size_t>(static_cast<const char*>(found) - text.data());
    out.append(text.substr(0, plain));
    text.remove_prefix(plain);
    if (text.size() < 2) return;
    out += text[1] == 'n' ? '\n' : text[1];
    text.remove_prefix(2);
  }
}

void TextWire::begin_family(std::string_view name, MetricType type, NameEscaping escaping) {
  reader_.begin_family(name, type, escaping, true);
  content_field_ = content_field(type);
}

void TextWire::start(std::string_view source, bool) {
  reader_.start(source);
  phase_ = Phase::kNext;
}

uint64_t TextWire::content_bytes() const noexcept {
  if (!reader_.has_points()) return kValueBytes;
  return 1 + varint_bytes(reader_.count()) + 9 + reader_.point_bytes();
}

uint64_t TextWire::metric_bytes(uint32_t& work) const noexcept {
  uint64_t bytes = delimited_bytes(content_bytes());
  for (const SampleReader::Label& label : reader_.labels()) {
    bytes += delimited_bytes(label_pair_bytes(reader_.name_of(label).size(), label.value_bytes));
  }
  work += static_cast<uint32_t>(reader_.labels().size() / 16);
  return bytes;
}

bool TextWire::measure(uint64_t& bytes, uint32_t& work) {
  while (true) {
    switch (reader_.next(work, kWorkPerCheck)) {
      case SampleReader::Step::kMore:
        return false;
      case SampleReader::Step::kEnd:
        return true;
      case SampleReader::Step::kMetric:
        bytes += delimited_bytes(metric_bytes(work));
        break;
    }
  }
}

bool TextWire::write(std::string& stage, uint32_t& work) {
  while (stage.size() < kStageBytes && work < kWorkPerCheck) {
    switch (phase_) {
      case Phase::kNext: {
        const SampleReader::Step step = reader_.next(work, kWorkPerCheck);
        if (step != SampleReader::Step::kMetric) return step == SampleReader::Step::kEnd;
        append_header(stage, kMetricField, metric_bytes(work));
        label_ = 0;
        phase_ = Phase::kLabel;
        break;
      }
      case Phase::kLabel:
        begin_label(stage);
        break;
      case Phase::kValue:
        write_value(stage, work);
        break;
      case Phase::kContent:
        write_content(stage);
        ++work;
        break;
      case Phase::kPoint:
        if (!write_point(stage, work)) phase_ = Phase::kNext;
        break;
    }
  }
  return false;
}

void TextWire::begin_label(std::string& stage) {
  if (label_ == reader_.labels().size()) {
    phase_ = Phase::kContent;
    return;
  }
  const SampleReader::Label& label = reader_.labels()[label_++];
  const std::string_view name = reader_.name_of(label);
  append_label_head(stage, kLabelField, name, label.value_bytes);
  if (label.value.size() <= kPieceBytes && label.value.size() == label.value_bytes) {
    stage += label.value;
    return;
  }
  value_rest_ = label.value;
  phase_ = Phase::kValue;
}

void TextWire::write_value(std::string& stage, uint32_t& work) {
  const size_t piece = piece_bytes(value_rest_, kPieceBytes, true);
  append_unescaped(stage, value_rest_.substr(0, piece));
  value_rest_.remove_prefix(piece);
  work += static_cast<uint32_t>(1 + piece / 128);
  if (value_rest_.empty()) phase_ = Phase::kLabel;
}

void TextWire::write_content(std::string& stage) {
  append_header(stage, content_field_, content_bytes());
  if (!reader_.has_points()) {
    append_double(stage, 1, read_number(reader_.value()));
    phase_ = Phase::kNext;
    return;
  }
  append_varint_field(stage, 1, reader_.count());
  append_double(stage, 2, read_number(reader_.sum()));
  reader_.rewind_points();
  phase_ = Phase::kPoint;
}

bool TextWire::write_point(std::string& stage, uint32_t& work) {
  SampleReader::Point point;
  const SampleReader::Step step = reader_.next_point(point, work, kWorkPerCheck);
  if (step != SampleReader::Step::kMetric) return step == SampleReader::Step::kMore;
  append_header(stage, 3, reader_.bytes_of(point) - 2);
  if (reader_.is_histogram()) {
    append_varint_field(stage, 1, read_count(point.value));
    append_double(stage, 2, read_number(point.bound));
  } else {
    append_double(stage, 1, read_number(point.bound));
    append_double(stage, 2, read_number(point.value));
  }
  return true;
}

}  // namespace sluice::render
