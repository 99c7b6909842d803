#include "core/render/renderer.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/base/check.h"
#include "core/render/family_text.h"

namespace sluice::render {

namespace {

// Units of work, about 50 ns each, between two looks at the clock.
constexpr uint32_t kWorkPerCheck = 64;
constexpr size_t kBytesPerUnit = 512;
// Lines are escaped in pieces of about this length, a line at least.
constexpr size_t kEscapeBytes = 4 * 1024;
// A large fragment is copied in pieces, so that no copy is longer than about 10 us.
constexpr size_t kCopyBytesMax = 64 * 1024;

// How far ahead memory is asked for: a version and its entry for this family, later the fragment that it names. A miss
// costs about 100 ns, a copy about 20.
constexpr size_t kVersionAhead = 24;
constexpr size_t kFragmentAhead = 16;

// A name in quotes begins the text or follows a comma. A value that ends in a comma looks like one too and takes the
// slower way to the same line.
bool has_quoted_label(std::string_view label_text) noexcept {
  return label_text.starts_with('"') || label_text.find(",\"") != std::string_view::npos;
}

constexpr size_t kLine = 64;
constexpr size_t kLinesAhead = 6;

// The lines of a fragment that is expected to be as long as the last one.
void prefetch_fragment(const std::byte* at, size_t bytes) noexcept {
  const std::byte* const end = at + std::min(bytes, kLinesAhead * kLine);
  for (; at < end; at += kLine) __builtin_prefetch(at);
  __builtin_prefetch(end - 1);
}

// A version and its label text, which lies behind the table unless blocks are shared.
void prefetch_times(const model::Version* version, size_t families) noexcept {
  const auto* const text = reinterpret_cast<const std::byte*>(version->table() + families);
  __builtin_prefetch(version);
  __builtin_prefetch(reinterpret_cast<const std::byte*>(version->table()) - 1);
  __builtin_prefetch(text);
  __builtin_prefetch(text + kLine);
}

}  // namespace

Renderer::Renderer(std::span<const store::Snapshot::Bucket> buckets, std::vector<OwnFamily> own, NameEscaping escaping,
                   FamilyWalk::OnHelpConflict on_help_conflict, FamilyShown shown)
    : buckets_(buckets), escaping_(escaping), walk_(buckets, std::move(own), std::move(on_help_conflict), shown) {}

ByteSource::State Renderer::produce(char* data, size_t capacity, size_t& used, Deadline deadline) {
  SLUICE_DCHECK(capacity != 0);
  Output out{data, capacity, 0};
  work_ = 0;
  while (out.room() != 0) {
    if (!pending_.empty()) {
      const std::string_view text = pending_.substr(0, std::min(out.room(), kCopyBytesMax));
      pending_.remove_prefix(text.size());
      copy_text(out, text);
    } else if (!escape_rest_.empty()) {
      escape_lines();
    } else if (phase_ == Phase::kDone) {
      used = out.used;
      return State::kDone;
    } else {
      run_phase(out);
      if (phase_ == Phase::kHeader && walk_.place() != place_of_bytes_) {
        place_of_bytes_ = walk_.place();
        break;
      }
    }
    if (work_ >= kWorkPerCheck) {
      work_ = 0;
      if (deadline.passed()) break;
    }
  }
  used = out.used;
  return pending_.empty() && escape_rest_.empty() && phase_ == Phase::kDone ? State::kDone : State::kMore;
}

void Renderer::run_phase(Output& out) {
  switch (phase_) {
    case Phase::kFamily: {
      const FamilyWalk::Step step = walk_.next(work_, kWorkPerCheck);
      if (step == FamilyWalk::Step::kFamily) phase_ = Phase::kHeader;
      if (step == FamilyWalk::Step::kEnd) phase_ = Phase::kDone;
      return;
    }
    case Phase::kHeader:
      return make_header();
    case Phase::kOwnLines:
      pending_ = walk_.own_lines();
      member_ = 0;
      place_ = {};
      phase_ = walk_.kind() == FamilyWalk::Kind::kSamples ? Phase::kFragments : Phase::kTimes;
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

void Renderer::make_header() {
  ++work_;
  scratch_.clear();
  append_family_header(scratch_, walk_.name(), walk_.has_help(), walk_.help(), walk_.type(), escaping_);
  pending_ = scratch_;
  phase_ = Phase::kOwnLines;
}

void Renderer::escape_lines() {
  size_t bytes = escape_rest_.size();
  if (bytes > kEscapeBytes) {
    const size_t line = escape_rest_.find('\n', kEscapeBytes);
    if (line != std::string_view::npos) bytes = line + 1;
  }
  scratch_.clear();
  append_escaped_text(escape_rest_.substr(0, bytes), walk_.name(), escaping_, scratch_);
  escape_rest_.remove_prefix(bytes);
  pending_ = scratch_;
  work_ += static_cast<uint32_t>(1 + bytes / 32);
}

void Renderer::copy_fragments(Output& out) {
  const std::span<const FamilyMember> members = walk_.members();
  while (member_ != members.size()) {
    const FamilyMember member = members[member_];
    const store::Snapshot::Bucket& bucket = buckets_[member.bucket];
    if (FragmentColumns::pays(bucket)) {
      if (!copy_column(out, bucket, member)) return;
    } else {
      for (; place_.chunk != bucket.chunks.size(); ++place_.chunk, place_.index = 0) {
        if (!copy_chunk(out, bucket.chunks[place_.chunk], member.family)) return;
      }
    }
    place_ = {};
    ++member_;
    if (++work_ >= kWorkPerCheck) return;
  }
  phase_ = Phase::kFamily;
}

// True when the chunk is done; otherwise the output is full, something is pending, or it is time to look at the
// clock.
bool Renderer::copy_chunk(Output& out, const store::Snapshot::Chunk& chunk, uint32_t family) {
  const size_t size = chunk.size();
  for (; place_.index != size; ++place_.index) {
    if (work_ >= kWorkPerCheck) return false;
    const size_t at = place_.index;
    if (at + kVersionAhead < size) __builtin_prefetch(chunk[at + kVersionAhead]->table() + family);
    if (at + kFragmentAhead < size) {
      prefetch_fragment(chunk[at + kFragmentAhead]->fragment(family).address(), last_bytes_);
    }
    if (!copy_fragment(out, chunk[at]->fragment(family))) {
      ++place_.index;
      return false;
    }
  }
  return true;
}

bool Renderer::copy_column(Output& out, const store::Snapshot::Bucket& bucket, FamilyMember member) {
  FragmentColumns& columns = columns_[member.bucket];
  if (!columns.load(bucket, member.family, work_, kWorkPerCheck)) return false;
  const std::span<const std::byte* const> column = columns.column(member.family);
  for (; place_.index != column.size(); ++place_.index) {
    if (work_ >= kWorkPerCheck) return false;
    const size_t at = place_.index;
    if (at + kFragmentAhead < column.size()) prefetch_fragment(column[at + kFragmentAhead], last_bytes_);
    if (!copy_fragment(out, model::Fragment(column[at]))) {
      ++place_.index;
      return false;
    }
  }
  return true;
}

bool Renderer::copy_fragment(Output& out, model::Fragment fragment) {
  const model::FragmentHeader& header = fragment.header();
  const std::string_view text = fragment.text();
  last_bytes_ = static_cast<size_t>(text.data() + text.size() - reinterpret_cast<const char*>(fragment.address()));
  if (header.has_quoted_names != 0 && escaping_ != NameEscaping::kNone) {
    escape_rest_ = text;
    return false;
  }
  if (text.size() > out.room() || text.size() > kCopyBytesMax) {
    pending_ = text;
    return false;
  }
  copy_text(out, text);
  return true;
}

void Renderer::copy_times(Output& out) {
  const bool failures = walk_.kind() == FamilyWalk::Kind::kPushFailureTime;
  const std::string_view name = walk_.name();
  for (; place_.bucket != buckets_.size(); ++place_.bucket, place_.chunk = 0) {
    if (++work_ >= kWorkPerCheck) return;  // in a part of a snapshot many may be empty
    const auto& chunks = buckets_[place_.bucket].chunks;
    const size_t families = buckets_[place_.bucket].shape->size();
    for (; place_.chunk != chunks.size(); ++place_.chunk, place_.index = 0) {
      const store::Snapshot::Chunk& chunk = chunks[place_.chunk];
      for (; place_.index != chunk.size(); ++place_.index) {
        if (work_ >= kWorkPerCheck) return;
        if (place_.index + kVersionAhead < chunk.size()) prefetch_times(chunk[place_.index + kVersionAhead], families);
        const model::Version& version = *chunk[place_.index];
        const int64_t time_ns = failures ? version.push_failure_time_ns() : version.push_time_ns();
        const std::string_view labels = version.label_text();
        const size_t room = name.size() + labels.size() + kTimeLineRoom;
        const bool quoted = escaping_ != NameEscaping::kNone && has_quoted_label(labels);
        if (room <= out.room() && !quoted) {
          char* const begin = out.data + out.used;
          out.used += static_cast<size_t>(write_time_line(begin, name, labels, time_ns) - begin);
          work_ += static_cast<uint32_t>(2 + labels.size() / kBytesPerUnit);
          continue;
        }
        scratch_.resize(room);
        char* const end = write_time_line(scratch_.data(), name, labels, time_ns);
        scratch_.resize(static_cast<size_t>(end - scratch_.data()));
        if (quoted) {
          std::string escaped;
          append_escaped_text(scratch_, name, escaping_, escaped);
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
