#include "core/wal/log.h"

#include <fmt/format.h>
#include <sys/random.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/base/check.h"

namespace sluice::wal {
namespace {

using Mark = sync::LowMark;

uint64_t random_number() noexcept {
  uint64_t number = 0;
  SLUICE_CHECK(getrandom(&number, sizeof(number), 0) == sizeof(number));
  return number;
}

}  // namespace

// ---- LogSet --------------------------------------------------------------------------------------------------------

LogSet::LogSet(Storage& storage, store::Store& store, LogOptions options, uint32_t logs, uint64_t first_sequence)
    : storage_(storage), store_(store), options_(options), next_sequence_(first_sequence) {
  while (logs_.size() < logs) logs_.push_back(std::make_unique<Log>(*this));
}

LogSet::~LogSet() = default;

bool LogSet::is_written(uint64_t stamp) const noexcept {
  return std::ranges::all_of(logs_, [stamp](const auto& log) { return log->written_.get() > stamp; });
}

bool LogSet::is_durable(uint64_t stamp) const noexcept {
  return std::ranges::all_of(logs_, [stamp](const auto& log) { return log->durable_.get() > stamp; });
}

bool LogSet::failed() const noexcept {
  return gone_.get() != 0 ||
         std::ranges::any_of(logs_, [](const auto& log) { return log->state() != Log::State::kGood; });
}

LogSet::Acknowledged LogSet::acknowledged(uint64_t stamp) const noexcept {
  if (options_.fsync == Fsync::kAlways) {
    if (gone_.get() == 0 && is_durable(stamp)) return Acknowledged::kYes;
    return failed() ? Acknowledged::kNever : Acknowledged::kNotYet;
  }
  // What a failed log cannot write is said by its figures.
  const bool written = std::ranges::all_of(
      logs_, [stamp](const auto& log) { return log->written_.get() > stamp || log->state() != Log::State::kGood; });
  return written ? Acknowledged::kYes : Acknowledged::kNotYet;
}

Result<std::unique_ptr<Segment>, int> LogSet::make_segment(uint32_t worker) {
  auto segment = std::make_unique<Segment>();
  segment->header = {FileKind::kSegment, worker, next_sequence_++, random_number(), storage_.boot()};
  const std::string name = segment_name(worker, segment->header.sequence);
  auto file = storage_.create(name);
  if (!file) return std::unexpected(file.error());
  segment->file = std::move(*file);
  std::string header;
  append_header(header, segment->header);
  int error = segment->file->write_at(0, header);
  if (error == 0) error = segment->file->sync();
  if (error == 0) error = storage_.sync_directory();
  if (error == 0) return segment;
  static_cast<void>(storage_.remove(name));
  return std::unexpected(error);
}

Result<void, std::string> LogSet::keep() {
  for (uint32_t index = 0; index < size(); ++index) {
    if (!logs_[index]->next_.empty()) continue;
    auto segment = make_segment(index);
    if (!segment)
      return std::unexpected(fmt::format("cannot make a file of the log: {}", std::strerror(segment.error())));
    logs_[index]->next_.put(std::move(*segment));
  }
  return {};
}

void LogSet::remove_unused() {
  for (uint32_t index = 0; index < size(); ++index) {
    const std::unique_ptr<Segment> segment = logs_[index]->next_.take();
    // An empty file that stays is read as such.
    if (segment != nullptr) static_cast<void>(storage_.remove(segment_name(index, segment->header.sequence)));
  }
}

void LogSet::forget_unused() {
  for (const auto& log : logs_) static_cast<void>(log->next_.take());
}

bool LogSet::wants_snapshot() const noexcept {
  bool mending = false;
  for (const auto& log : logs_) {
    if (log->state() == Log::State::kBroken) return false;
    mending |= log->state() == Log::State::kMending;
  }
  return mending;
}

void LogSet::distrust(uint64_t stamp) noexcept {
  for (const auto& log : logs_) {
    log->mending_from_ = stamp;
    // Who has only seen what was published waits as well.
    log->written_.set(0);
    log->durable_.set(0);
    log->set_state(Log::State::kMending);
  }
}

void LogSet::lose(uint32_t index) noexcept { logs_[index]->lost_.set(logs_[index]->sequence_.get()); }

std::vector<uint64_t> LogSet::present_sequences() const {
  std::vector<uint64_t> sequences;
  sequences.reserve(logs_.size());
  for (const auto& log : logs_) sequences.push_back(log->sequence_.get());
  return sequences;
}

uint64_t LogSet::bytes() const noexcept {
  uint64_t bytes = 0;
  for (const auto& log : logs_) bytes += log->figures_.bytes;
  return bytes;
}

uint64_t LogSet::records() const noexcept {
  uint64_t records = 0;
  for (const auto& log : logs_) records += log->figures_.records;
  return records;
}

// ---- Log -----------------------------------------------------------------------------------------------------------

Log::Verdict Log::begin(size_t bytes) noexcept {
  SLUICE_DCHECK_OWNER(owner_);
  if (lost()) static_cast<void>(leave_lost());
  if (set_.options_.fsync == Fsync::kAlways && (state() != State::kGood || set_.gone_.get() != 0)) {
    figures_.refused.add(1);
    return Verdict::kRefuse;
  }
  if (!buffer_.empty() && buffer_.size() + bytes > set_.options_.buffer_bytes_max) {
    figures_.parked.add(1);
    return Verdict::kPark;
  }
  // A bound below the stamp that will be drawn, before it is.
  if (buffer_first_ == Mark::kNone) {
    buffer_first_ = set_.store_.last_stamp() + 1;
    if (written_.get() == Mark::kNone) written_.set(buffer_first_);
    if (durable_.get() == Mark::kNone) durable_.set(buffer_first_);
  }
  return Verdict::kAccept;
}

void Log::append(const store::Change& change) noexcept {
  last_ = change.stamp;
  if (state() == State::kBroken) {
    // The snapshot that ends the failure will have it.
    figures_.dropped.add(1);
    return;
  }
  if (buffer_.empty()) {
    append_mark(buffer_);
    buffer_patterns_.clear();
    if (patterns_.size() >= limits::kLogPatternsMax) patterns_.clear();
  }
  const size_t before = buffer_.size();
  if (refer_to_pattern(change)) {
    append_filled(buffer_, change);
  } else {
    append_change(buffer_, change);
  }
  figures_.records.add(1);
  figures_.bytes.add(buffer_.size() - before);
}

bool Log::refer_to_pattern(const store::Change& change) {
  if (change.push == nullptr || change.push->pattern == nullptr) return false;
  const uint64_t number = change.push->list;
  const auto known = patterns_.find(number);
  if (known == patterns_.end()) {
    if (patterns_.size() < limits::kLogPatternsMax) patterns_.try_emplace(number);
    return false;
  }
  std::string& records = known->second;
  const bool is_new = records.empty();
  if (is_new) {
    // What the reader makes of it is looked at before anything relies on it.
    if (!is_filled_as_written(change)) return false;
    append_pattern(records, change);
    buffer_ += records;
  }
  if (std::ranges::find(buffer_patterns_, number, &Referred::number) == buffer_patterns_.end()) {
    buffer_patterns_.push_back({number, is_new});
  }
  return true;
}

void Log::bring_patterns() {
  std::unordered_map<uint64_t, std::string> brought;
  if (!buffer_.empty()) {
    std::string buffer(buffer_, 0, kMarkRecordBytes);
    for (Referred& pattern : buffer_patterns_) {
      std::string& records = brought[pattern.number];
      records = std::move(patterns_[pattern.number]);
      if (!std::exchange(pattern.brought, true)) buffer += records;
    }
    buffer.append(buffer_, kMarkRecordBytes);
    buffer_ = std::move(buffer);
  }
  patterns_ = std::move(brought);
}

void Log::abandon() noexcept {
  if (!buffer_.empty()) return;
  buffer_first_ = Mark::kNone;
  raise_marks();
}

// To what is owed now. While the log has failed they stay: what they bound may be in no file.
void Log::raise_marks() noexcept {
  if (state() != State::kGood) return;
  written_.set(buffer_first_);
  durable_.set(std::min({buffer_first_, unsynced_first_, syncing_first_}));
}

bool Log::take_segment() noexcept {
  std::unique_ptr<Segment> next = next_.take();
  if (next == nullptr) return false;
  SLUICE_DCHECK(!in_flight_);
  segment_ = std::move(next);
  end_ = kFileHeaderBytes;
  mark_ = {end_, sequence_.get(), mark_.bytes};
  sequence_.set(segment_->header.sequence);
  bring_patterns();
  figures_.segments.add(1);
  set_.wake();
  return true;
}

void Log::fail() noexcept {
  figures_.failures.add(1);
  if (state() == State::kBroken) return;
  set_state(State::kBroken);
  buffer_.clear();
  buffer_first_ = Mark::kNone;
  unsynced_first_ = Mark::kNone;
  syncing_first_ = Mark::kNone;
  std::unique_ptr<Segment> failed = std::move(segment_);
  if (in_flight_) doomed_ = std::move(failed);
  set_.wake();
}

// A step towards the end of a failure.
void Log::mend() noexcept {
  if (state() == State::kBroken) {
    if (in_flight_ || !take_segment()) return;
    // What was published until now may be in no file.
    buffer_first_ = Mark::kNone;
    mending_from_ = set_.store_.last_stamp();
    set_state(State::kMending);
    set_.wake();
  } else if (set_.healed_.get() >= mending_from_) {
    set_state(State::kGood);
    raise_marks();
  }
}

// Leaves a full segment when another is there and all of it is durable. False: nothing may be written meanwhile.
bool Log::rotate() noexcept {
  if (end_ < set_.options_.segment_bytes || next_.empty()) return true;
  const bool owes = unsynced_first_ != Mark::kNone && set_.options_.fsync != Fsync::kNever;
  if (in_flight_ || owes) return false;
  if (take_segment()) unsynced_first_ = Mark::kNone;
  return true;
}

// Leaves a file that is gone where a snapshot has held all of it since: nobody misses it, and nothing has failed. False
// when that is not so.
bool Log::leave_lost() noexcept {
  if (state() == State::kBroken || in_flight_ || !buffer_.empty() || last_ > set_.healed_.get()) return false;
  if (!take_segment()) return true;  // there is nothing to write as yet
  unsynced_first_ = Mark::kNone;
  raise_marks();
  return true;
}

void Log::flush() noexcept {
  SLUICE_DCHECK_OWNER(owner_);
  if (lost() && state() != State::kBroken && !leave_lost()) fail();
  if (state() != State::kGood) mend();
  if (buffer_.empty() || state() == State::kBroken) return;
  if (segment_ == nullptr && !take_segment()) {
    // The keeper makes none while the directory is gone: nobody is to wait for it.
    if (set_.gone_.get() != 0) fail();
    return;
  }
  if (!rotate()) return;
  if (set_.options_.fsync == Fsync::kAlways && in_flight_) return;
  write();
}

void Log::write() noexcept {
  set_mark(buffer_, mark_);
  seal_records(buffer_, end_, segment_->header.seed);
  figures_.writes.add(1);
  if (segment_->file->write_at(end_, buffer_) != 0) return fail();
  end_ += buffer_.size();
  buffer_.clear();
  if (buffer_.capacity() > limits::kLogBufferBytesKept) std::string().swap(buffer_);
  unsynced_first_ = std::min(unsynced_first_, std::exchange(buffer_first_, Mark::kNone));
  raise_marks();
}

File* Log::wants_sync(int64_t now_ns) noexcept {
  if (in_flight_ || segment_ == nullptr || unsynced_first_ == Mark::kNone) return nullptr;
  switch (set_.options_.fsync) {
    case Fsync::kAlways:
      return segment_->file.get();
    case Fsync::kInterval:
      return end_ >= set_.options_.segment_bytes || now_ns >= next_sync_ns() ? segment_->file.get() : nullptr;
    case Fsync::kNever:
      break;
  }
  return nullptr;
}

int64_t Log::next_sync_ns() const noexcept {
  const bool due = set_.options_.fsync == Fsync::kInterval && !in_flight_ && unsynced_first_ != Mark::kNone;
  return due ? last_sync_ns_ + set_.options_.interval_ns : INT64_MAX;
}

void Log::sync_started(int64_t now_ns) noexcept {
  SLUICE_DCHECK(!in_flight_);
  in_flight_ = true;
  syncing_first_ = std::exchange(unsynced_first_, Mark::kNone);
  syncing_end_ = end_;
  last_sync_ns_ = now_ns;
}

void Log::sync_done(int error, int64_t now_ns) noexcept {
  SLUICE_DCHECK_OWNER(owner_);
  SLUICE_DCHECK(in_flight_);
  in_flight_ = false;
  if (doomed_ != nullptr) {
    doomed_.reset();
    return;
  }
  if (error != 0 || lost()) return fail();
  count_sync(now_ns - last_sync_ns_);
  mark_.bytes = syncing_end_;
  syncing_first_ = Mark::kNone;
  raise_marks();
}

void Log::forget_sync() noexcept {
  if (!in_flight_) return;
  in_flight_ = false;
  doomed_.reset();
  unsynced_first_ = std::min(unsynced_first_, std::exchange(syncing_first_, Mark::kNone));
}

void Log::count_sync(int64_t took_ns) noexcept {
  const double seconds = static_cast<double>(took_ns) / 1e9;
  const auto bucket = std::ranges::lower_bound(kSyncBounds, seconds) - kSyncBounds.begin();
  figures_.sync_buckets[static_cast<size_t>(bucket)].add(1);
  figures_.sync_ns.add(static_cast<uint64_t>(took_ns));
  figures_.syncs.add(1);
}

bool Log::finish() noexcept {
  owner_.release();
  SLUICE_DCHECK(!in_flight_);
  if (lost() && state() != State::kBroken && !leave_lost()) fail();
  if (state() == State::kBroken) return false;
  if (segment_ == nullptr && !buffer_.empty() && !take_segment()) return false;
  if (!buffer_.empty()) write();
  if (segment_ != nullptr && unsynced_first_ != Mark::kNone && segment_->file->sync() != 0) fail();
  if (state() == State::kBroken) return false;
  unsynced_first_ = Mark::kNone;
  raise_marks();
  segment_.reset();
  return state() == State::kGood;
}

}  // namespace sluice::wal
