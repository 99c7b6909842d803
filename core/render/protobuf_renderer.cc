#include "core/render/protobuf_renderer.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/base/check.h"
#include "core/render/family_text.h"
#include "core/render/wire.h"

namespace sluice::render {

namespace {

constexpr size_t kBytesPerUnit = 512;

std::string_view type_name(model::MetricType type) noexcept {
  switch (type) {
    case model::MetricType::kCounter:
      return "COUNTER";
    case model::MetricType::kGauge:
      return "GAUGE";
    case model::MetricType::kSummary:
      return "SUMMARY";
    case model::MetricType::kUntyped:
      return "UNTYPED";
    case model::MetricType::kHistogram:
      return "HISTOGRAM";
    case model::MetricType::kGaugeHistogram:
      break;
  }
  return "GAUGE_HISTOGRAM";
}

}  // namespace

ProtobufRenderer::ProtobufRenderer(std::span<const store::Snapshot::Bucket> buckets, std::vector<OwnFamily> own,
                                   ProtobufForm form, NameEscaping escaping,
                                   FamilyWalk::OnHelpConflict on_help_conflict, FamilyShown shown)
    : form_(form),
      escaping_(escaping),
      walk_(buckets, std::move(own), std::move(on_help_conflict), shown),
      prototext_(stage_, form == ProtobufForm::kText),
      text_prototext_(prototext_),
      record_prototext_(prototext_) {}

ByteSource::State ProtobufRenderer::produce(char* data, size_t capacity, size_t& used, Deadline deadline) {
  SLUICE_DCHECK(capacity != 0);
  used = 0;
  uint32_t work = 0;
  while (used != capacity) {
    const size_t bytes = std::min(capacity - used, stage_.size() - staged_at_);
    std::memcpy(data + used, stage_.data() + staged_at_, bytes);
    used += bytes;
    staged_at_ += bytes;
    work += static_cast<uint32_t>(bytes / kBytesPerUnit);
    if (staged_at_ == stage_.size()) {
      stage_.clear();
      staged_at_ = 0;
      if (phase_ == Phase::kDone) return State::kDone;
      if (at_new_place_) {
        at_new_place_ = false;
        place_ = walk_.place();
        break;
      }
      // What is staged is handed out before the clock is looked at, so that every call makes progress.
      while (phase_ != Phase::kDone && stage_.size() < kStageBytes && work < kWorkPerCheck && !at_new_place_) {
        run_phase(work);
      }
    }
    if (work >= kWorkPerCheck) {
      work = 0;
      if (deadline.passed()) break;
    }
  }
  return phase_ == Phase::kDone && stage_.empty() ? State::kDone : State::kMore;
}

void ProtobufRenderer::run_phase(uint32_t& work) {
  switch (phase_) {
    case Phase::kFamily: {
      const FamilyWalk::Step step = walk_.next(work, kWorkPerCheck);
      if (step == FamilyWalk::Step::kFamily) {
        begin_family();
        at_new_place_ = walk_.place() != place_;
      }
      if (step == FamilyWalk::Step::kEnd) phase_ = Phase::kDone;
      return;
    }
    case Phase::kHeader:
      return write_header();
    case Phase::kSource:
      return next_source(work);
    case Phase::kMetrics: {
      const bool through = measuring_ ? source_->measure(metrics_bytes_, work) : source_->write(stage_, work);
      if (through) phase_ = Phase::kSource;
      return;
    }
    case Phase::kDone:
      return;
  }
}

void ProtobufRenderer::begin_family() {
  name_.clear();
  append_escaped_name(walk_.name(), escaping_, name_);
  const bool wire = form_ == ProtobufForm::kDelimited;
  MetricsWriter& text = wire ? static_cast<MetricsWriter&>(text_wire_) : text_prototext_;
  MetricsWriter& record = wire ? static_cast<MetricsWriter&>(record_wire_) : record_prototext_;
  text.begin_family(walk_.name(), walk_.type(), escaping_);
  record.begin_family(walk_.name(), walk_.type(), escaping_);
  metrics_bytes_ = 0;
  measuring_ = wire;
  begin_sources();
  phase_ = wire ? Phase::kSource : Phase::kHeader;
}

void ProtobufRenderer::begin_sources() {
  own_done_ = false;
  if (walk_.kind() == FamilyWalk::Kind::kSamples) {
    groups_.begin(walk_.buckets(), walk_.members());
  } else {
    groups_.begin_all(walk_.buckets());
  }
}

uint64_t ProtobufRenderer::header_bytes() const noexcept {
  const uint64_t help = walk_.has_help() ? delimited_bytes(walk_.help().size()) : 0;
  return delimited_bytes(name_.size()) + help + 2;
}

void ProtobufRenderer::write_header() {
  phase_ = Phase::kSource;
  if (form_ == ProtobufForm::kDelimited) {
    append_varint(stage_, header_bytes() + metrics_bytes_);
    append_bytes(stage_, 1, name_);
    if (walk_.has_help()) append_bytes(stage_, 2, walk_.help());
    append_varint_field(stage_, 3, static_cast<uint64_t>(walk_.type()));
    return;
  }
  prototext_.begin_top();
  prototext_.name("name");
  prototext_.string(name_);
  if (walk_.has_help()) {
    prototext_.name("help");
    prototext_.string(walk_.help());
  }
  prototext_.name("type");
  prototext_.literal(type_name(walk_.type()));
}

void ProtobufRenderer::next_source(uint32_t& work) {
  const bool wire = form_ == ProtobufForm::kDelimited;
  MetricsWriter& text = wire ? static_cast<MetricsWriter&>(text_wire_) : text_prototext_;
  if (!own_done_) {
    own_done_ = true;
    if (!walk_.own_lines().empty()) return start_source(text, walk_.own_lines(), false);
  }
  const model::Version* const version = groups_.next(work, kWorkPerCheck);
  if (version == nullptr) {
    if (groups_.at_end()) end_of_sources();
    return;
  }
  if (walk_.kind() != FamilyWalk::Kind::kSamples) {
    const bool failure = walk_.kind() == FamilyWalk::Kind::kPushFailureTime;
    const int64_t time_ns = failure ? version->push_failure_time_ns() : version->push_time_ns();
    line_.resize(walk_.name().size() + version->label_text().size() + kTimeLineRoom);
    const char* const end = write_time_line(line_.data(), walk_.name(), version->label_text(), time_ns);
    line_.resize(static_cast<size_t>(end - line_.data()));
    return start_source(text, line_, false);
  }
  const model::Fragment fragment = version->fragment(groups_.family());
  if (fragment.header().record_bytes == 0) return start_source(text, fragment.text(), false);
  MetricsWriter& record = wire ? static_cast<MetricsWriter&>(record_wire_) : record_prototext_;
  start_source(record, fragment.record(), fragment.header().has_quoted_names != 0);
}

void ProtobufRenderer::start_source(MetricsWriter& writer, std::string_view source, bool has_quoted_names) {
  writer.start(source, has_quoted_names);
  source_ = &writer;
  phase_ = Phase::kMetrics;
}

void ProtobufRenderer::end_of_sources() {
  if (measuring_) {
    measuring_ = false;
    begin_sources();
    phase_ = Phase::kHeader;
    return;
  }
  if (form_ != ProtobufForm::kDelimited) prototext_.end_top();
  phase_ = Phase::kFamily;
}

}  // namespace sluice::render
