#include "core/render/renderer.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/base/check.h"
#include "core/render/escape_names.h"

namespace sluice::render {

namespace {

using model::MetricType;

// Units of work, about 50 ns each, between two looks at the clock.
constexpr uint32_t kWorkPerCheck = 64;
constexpr size_t kBytesPerUnit = 512;
// A large fragment is copied in pieces, so that no copy is longer than about 10 us.
constexpr size_t kCopyBytesMax = 64 * 1024;

// How far ahead memory is asked for: a version and its entry for this family, later the fragment that it names. A miss
// costs about 100 ns, a copy about 20.
constexpr size_t kVersionAhead = 16;
constexpr size_t kFragmentAhead = 8;

void prefetch_version(const model::Version* version, uint32_t family) noexcept {
  const char* at = reinterpret_cast<const char*>(version);
  __builtin_prefetch(at);
  // The table of fragments usually follows the version; where it does not, a prefetch does no harm.
  __builtin_prefetch(at + sizeof(model::Version) + family * sizeof(void*));
}

// A name in quotes begins the text or follows a comma. A value that ends in a comma looks like one too and takes the
// slower way to the same line.
bool has_quoted_label(std::string_view label_text) noexcept {
  return label_text.starts_with('"') || label_text.find(",\"") != std::string_view::npos;
}

void prefetch_fragment(const model::Version* version, uint32_t family) noexcept {
  const std::byte* at = version->fragment(family).address();
  __builtin_prefetch(at);
  __builtin_prefetch(at + 64);
  __builtin_prefetch(at + 128);
  __builtin_prefetch(at + 192);
}

}  // namespace

Renderer::Renderer(std::span<const store::Snapshot::Bucket> buckets, std::vector<OwnFamily> own, NameEscaping escaping)
    : buckets_(buckets), escaping_(escaping) {
  for (const auto& bucket : buckets_) has_groups_ = has_groups_ || bucket.groups != 0;
  own_.reserve(own.size() + 2);
  for (OwnFamily& family : own) own_.push_back({std::move(family), OwnKind::kLines});
  own_.push_back(
      {{std::string(kPushTimeName), std::string(kPushTimeHelp), MetricType::kGauge, {}}, OwnKind::kPushTime});
  own_.push_back({{std::string(kPushFailureTimeName), std::string(kPushFailureTimeHelp), MetricType::kGauge, {}},
                  OwnKind::kPushFailureTime});
  std::ranges::sort(own_, {}, [](const Own& entry) -> const std::string& { return entry.family.name; });
  merge_.begin(buckets_);
}

ByteSource::State Renderer::produce(char* data, size_t capacity, size_t& used, Deadline deadline) {
  SLUICE_DCHECK(capacity != 0);
  Output out{data, capacity, 0};
  work_ = 0;
  while (out.room() != 0) {
    if (!pending_.empty()) {
      const std::string_view text = pending_.substr(0, std::min(out.room(), kCopyBytesMax));
      pending_.remove_prefix(text.size());
      copy_text(out, text);
    } else if (phase_ == Phase::kDone) {
      used = out.used;
      return State::kDone;
    } else {
      run_phase(out);
    }
    if (work_ >= kWorkPerCheck) {
      work_ = 0;
      if (deadline.passed()) break;
    }
  }
  used = out.used;
  return pending_.empty() && phase_ == Phase::kDone ? State::kDone : State::kMore;
}

void Renderer::run_phase(Output& out) {
  switch (phase_) {
    case Phase::kShapes:
      work_ += kWorkPerCheck;
      if (merge_.add(kWorkPerCheck)) phase_ = Phase::kFamily;
      return;
    case Phase::kFamily:
      return next_family();
    case Phase::kMembers:
      return gather_members();
    case Phase::kHeader:
      return make_header();
    case Phase::kOwnLines:
      pending_ = own_current_ != nullptr ? std::string_view(own_current_->family.lines) : std::string_view();
      member_ = 0;
      place_ = {};
      phase_ = own_is(OwnKind::kPushTime) || own_is(OwnKind::kPushFailureTime) ? Phase::kTimes : Phase::kFragments;
      return;
    case Phase::kFragments:
      return copy_fragments(out);
    case Phase::kTimes:
      return copy_times(out);
    case Phase::kDone:
      return;
  }
}

void Renderer::copy_text(Output& out, std::string_view text) {
  std::memcpy(out.data + out.used, text.data(), text.size());
  out.used += text.size();
  work_ += static_cast<uint32_t>(1 + text.size() / kBytesPerUnit);
}

// The smaller of our next name and the next pushed one; both when they are equal.
void Renderer::next_family() {
  ++work_;
  members_.clear();
  own_current_ = nullptr;
  const bool own_left = own_at_ != own_.size();
  if (merge_.empty() && !own_left) {
    phase_ = Phase::kDone;
    return;
  }
  const std::string_view own_name = own_left ? std::string_view(own_[own_at_].family.name) : std::string_view();
  const std::string_view pushed_name = merge_.empty() ? std::string_view() : merge_.name();
  const bool take_own = own_left && (merge_.empty() || own_name <= pushed_name);
  if (take_own) own_current_ = &own_[own_at_++];
  name_ = take_own ? own_name : pushed_name;
  phase_ = Phase::kMembers;
}

void Renderer::gather_members() {
  while (!merge_.empty() && merge_.name() == name_) {
    if (work_ >= kWorkPerCheck) return;
    members_.push_back(merge_.pop());
    work_ += 4;
  }
  const bool times = own_is(OwnKind::kPushTime) || own_is(OwnKind::kPushFailureTime);
  const bool own_lines = own_current_ != nullptr && !own_current_->family.lines.empty();
  const bool something = times ? has_groups_ : own_lines || !members_.empty();
  phase_ = something ? Phase::kHeader : Phase::kFamily;
}

void Renderer::choose_type() {
  if (own_current_ != nullptr) {
    type_ = own_current_->family.type;
    return;
  }
  size_t groups[8] = {};
  for (const FamilyMember member : members_) {
    groups[static_cast<size_t>(merge_.family(member).type) & 7] += buckets_[member.bucket].groups;
  }
  type_ = merge_.family(members_.front()).type;
  for (const FamilyMember member : members_) {
    const MetricType type = merge_.family(member).type;
    if (groups[static_cast<size_t>(type) & 7] > groups[static_cast<size_t>(type_) & 7]) type_ = type;
  }
}

void Renderer::make_header() {
  choose_type();
  bool has_help = own_current_ != nullptr;
  std::string_view help = has_help ? std::string_view(own_current_->family.help) : std::string_view();
  for (size_t i = 0; i < members_.size() && !has_help; ++i) {
    has_help = merge_.family(members_[i]).has_help;
    help = merge_.family(members_[i]).help;
  }
  work_ += static_cast<uint32_t>(1 + members_.size() / 16);
  scratch_.clear();
  append_family_header(scratch_, name_, has_help, help, type_, escaping_);
  pending_ = scratch_;
  phase_ = Phase::kOwnLines;
}

void Renderer::copy_fragments(Output& out) {
  while (member_ != members_.size()) {
    const FamilyMember member = members_[member_];
    const store::Snapshot::Bucket& bucket = buckets_[member.bucket];
    if (merge_.family(member).type != type_) {
      left_out_ += bucket.groups;
      place_.chunk = bucket.chunks.size();
    }
    for (; place_.chunk != bucket.chunks.size(); ++place_.chunk, place_.index = 0) {
      if (!copy_chunk(out, bucket.chunks[place_.chunk], member.family)) return;
    }
    place_ = {};
    ++member_;
    if (++work_ >= kWorkPerCheck) return;
  }
  phase_ = Phase::kFamily;
}

// True when the chunk is done; otherwise the output is full, something is pending, or it is time to look at the clock.
bool Renderer::copy_chunk(Output& out, const store::Snapshot::Chunk& chunk, uint32_t family) {
  const size_t size = chunk.size();
  for (; place_.index != size; ++place_.index) {
    if (work_ >= kWorkPerCheck) return false;
    const size_t at = place_.index;
    if (at + kVersionAhead < size) prefetch_version(chunk[at + kVersionAhead], family);
    if (at + kFragmentAhead < size) prefetch_fragment(chunk[at + kFragmentAhead], family);
    const model::Fragment fragment = chunk[at]->fragment(family);
    const model::FragmentHeader& header = fragment.header();
    const std::string_view text = fragment.text();
    if (header.has_quoted_names != 0 && escaping_ == NameEscaping::kUnderscores) {
      scratch_.clear();
      append_underscored_text(text, scratch_);
      pending_ = scratch_;
    } else if (text.size() > out.room() || text.size() > kCopyBytesMax) {
      pending_ = text;
    } else {
      copy_text(out, text);
      continue;
    }
    ++place_.index;
    return false;
  }
  return true;
}

void Renderer::copy_times(Output& out) {
  const bool failures = own_is(OwnKind::kPushFailureTime);
  for (; place_.bucket != buckets_.size(); ++place_.bucket, place_.chunk = 0) {
    const auto& chunks = buckets_[place_.bucket].chunks;
    for (; place_.chunk != chunks.size(); ++place_.chunk, place_.index = 0) {
      const store::Snapshot::Chunk& chunk = chunks[place_.chunk];
      for (; place_.index != chunk.size(); ++place_.index) {
        if (work_ >= kWorkPerCheck) return;
        if (place_.index + kVersionAhead < chunk.size()) prefetch_version(chunk[place_.index + kVersionAhead], 0);
        const model::Version& version = *chunk[place_.index];
        const int64_t time_ns = failures ? version.push_failure_time_ns() : version.push_time_ns();
        const std::string_view labels = version.label_text();
        const size_t room = name_.size() + labels.size() + kTimeLineRoom;
        const bool quoted = escaping_ == NameEscaping::kUnderscores && has_quoted_label(labels);
        if (room <= out.room() && !quoted) {
          char* const begin = out.data + out.used;
          out.used += static_cast<size_t>(write_time_line(begin, name_, labels, time_ns) - begin);
          work_ += static_cast<uint32_t>(2 + labels.size() / kBytesPerUnit);
          continue;
        }
        scratch_.resize(room);
        char* const end = write_time_line(scratch_.data(), name_, labels, time_ns);
        scratch_.resize(static_cast<size_t>(end - scratch_.data()));
        if (quoted) {
          std::string escaped;
          append_underscored_text(scratch_, escaped);
          scratch_.swap(escaped);
        }
        pending_ = scratch_;
        ++place_.index;
        return;
      }
    }
  }
  phase_ = Phase::kFamily;
}

}  // namespace sluice::render
