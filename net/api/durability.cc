#include "net/api/durability.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/limits.h"
#include "core/base/log.h"
#include "core/wal/snapshot_file.h"
#include "core/wal/state_file.h"
#include "net/api/restore.h"

namespace sluice::net::api {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::nanoseconds kIntervalMin = 100ms;
// Of a snapshot: to write so much costs about what one change of the log costs a start.
constexpr uint64_t kBytesPerChange = 1024;
// Between two tries of what failed.
constexpr int64_t kRetryNs = 1'000'000'000;
// Threads that recover, the keeper among them: more than a machine's memory is fast enough for gain nothing.
constexpr unsigned kPartsMax = 8;
constexpr std::string_view kFailedWrite = "a write or a sync has failed";

// Waits for something that other threads do in their own time.
template <typename Done>
void wait_until(store::Writer& writer, Done done) {
  while (!done()) {
    writer.quiescent();
    writer.offline();
    std::this_thread::sleep_for(1ms);
    writer.online();
  }
}

// Writes and syncs that have failed.
uint64_t failures_of(const wal::LogSet& logs) {
  uint64_t failures = 0;
  for (uint32_t index = 0; index < logs.size(); ++index) failures += logs.log(index).figures().failures;
  return failures;
}

store::SnapshotRef snapshot_of_now(store::Writer& writer) {
  store::SnapshotRequest request;
  request.start(writer);
  wait_until(writer, [&] {
    store::StepResult step = store::StepResult::kAgain;
    while (step == store::StepResult::kAgain) {
      step = request.step(Deadline::in_ns(limits::kSliceNs));
      if (step == store::StepResult::kAgain) writer.quiescent();
    }
    return step == store::StepResult::kDone;
  });
  return request.take();
}

}  // namespace

Durability::Durability(store::Store& store, DurabilityOptions options) : store_(store), options_(std::move(options)) {
  options_.snapshot_interval = std::max(options_.snapshot_interval, kIntervalMin);
}

Durability::~Durability() {
  if (thread_.joinable()) {
    ending_.set(1);
    SLUICE_CHECK(eventfd_write(wake_, 1) == 0);
    thread_.join();
  }
  if (wake_ >= 0) close(wake_);
}

uint32_t Durability::more_writers() noexcept { return std::clamp(std::thread::hardware_concurrency(), 1U, kPartsMax); }

Result<void, std::string> Durability::open() {
  auto storage = wal::open_directory(options_.directory);
  if (!storage) return std::unexpected(std::move(storage.error()));
  storage_ = std::move(*storage);
  // Each time: the start that made it may have ended before it did this.
  if (options_.log.fsync != wal::Fsync::kNever) {
    if (auto named = wal::sync_name_of_directory(options_.directory); !named) return named;
  }
  if (auto locked = lock_.take(options_.directory); !locked) return locked;
  const auto entries = storage_->list();
  if (!entries)
    return std::unexpected(fmt::format("cannot list {}: {}", options_.directory, std::strerror(entries.error())));
  bool begun = false;
  for (const wal::DirectoryEntry& entry : *entries) {
    uint32_t worker = 0;
    uint64_t number = 0;
    begun |= wal::parse_snapshot_name(entry.name, number);
    if (!wal::parse_segment_name(entry.name, worker, number)) continue;
    begun = true;
    first_sequence_ = std::max(first_sequence_, number + 1);
  }
  if (!begun) {
    if (const auto usable = wal::StateFileReader().open(options_.state_file); !usable)
      return std::unexpected(usable.error());
  }
  logs_ = std::make_unique<wal::LogSet>(*storage_, store_, options_.log, options_.workers, first_sequence_);
  wake_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  SLUICE_CHECK(wake_ >= 0);
  logs_->set_wake([](void* wake) { static_cast<void>(eventfd_write(*static_cast<int*>(wake), 1)); }, &wake_);
  // A log without a file takes no change: what cannot be written now cannot be promised either.
  if (auto kept = logs_->keep(); !kept) return std::unexpected(fmt::format("{}: {}", options_.directory, kept.error()));
  return {};
}

void Durability::start() {
  thread_ = std::thread([this] { run(); });
}

void Durability::run() {
  if (auto recovered = recover(); !recovered) {
    fatal_ = std::move(recovered.error());
    options_.on_fatal();
    return;
  }
  // A sync that reports success says nothing of a file whose sync has failed in an earlier life: before anything is
  // promised again, all that was read from the log is in a snapshot. While none can be made scrapes are answered, and
  // changes are refused.
  if (options_.log.fsync == wal::Fsync::kAlways && logged_ && ending_.get() == 0) {
    if (const auto taken = take_snapshot(); !taken) {
      complain("error persisting metrics", taken.error());
      snapshot_wanted_ = true;
      logs_->distrust(store_.last_stamp());
    }
  }
  // Told to end, recovery leaves groups out: what the store holds must not take the place of what the disk holds.
  if (ending_.get() != 0) return;
  if (!snapshot_wanted_) snapshot_stamp_ = store_.last_stamp();
  kept_ = list_kept().value_or(std::vector<std::string>());
  ready_.set(1);
  snapshot_tried_ns_ = monotonic_ns();
  for (uint64_t seen = 0; wait(1s); keep()) {
    // One that a snapshot has ended which was being made is one, too.
    const uint64_t failures = failures_of(*logs_);
    if (std::exchange(seen, failures) != failures) complain("the log cannot be written", kFailedWrite);
  }
}

bool Durability::wait(std::chrono::nanoseconds time) const {
  if (ending_.get() != 0) return false;
  pollfd wake{wake_, POLLIN, 0};
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(std::min(time, options_.snapshot_interval));
  const int woken = poll(&wake, 1, static_cast<int>(left.count()));
  SLUICE_CHECK(woken >= 0 || errno == EINTR);
  eventfd_t count = 0;
  if (woken > 0) static_cast<void>(eventfd_read(wake_, &count));
  return ending_.get() == 0;
}

// ---- Keeping -------------------------------------------------------------------------------------------------------

// One line for what fails, until it does no more.
void Durability::complain(std::string_view message, std::string_view detail) {
  if (!std::exchange(complained_, true))
    log::write(log::Level::kError, log::Reason::kAlways, message,
               {{"directory", options_.directory}, {"err", std::string(detail)}});
}

void Durability::keep() {
  // Nothing that is made in a directory that has gone is of use to anybody.
  const Found found = inspect_directory();
  if (found == Found::kNothing) return;
  const auto kept = logs_->keep();
  if (!kept) complain("the log cannot be written", kept.error());
  if (logs_->failed()) complain("the log cannot be written", kFailedWrite);
  if (snapshot_due()) try_snapshot();
  // A log whose file has just been missed has yet to act on that.
  if (!complained_ || found != Found::kAll || !kept) return;
  if (snapshot_failed_ || snapshot_wanted_ || logs_->failed()) return;
  log::write(log::Level::kInfo, log::Reason::kAlways, "the log can be written again",
             {{"directory", options_.directory}});
  complained_ = false;
}

void Durability::try_snapshot() {
  snapshot_tried_ns_ = monotonic_ns();
  const auto taken = take_snapshot();
  static_cast<void>(list_kept());
  snapshot_failed_ = !taken;
  if (taken) return;
  ++snapshot_failures_;
  complain("error persisting metrics", taken.error());
}

bool Durability::snapshot_due() const {
  const int64_t since_ns = monotonic_ns() - snapshot_tried_ns_;
  if (logs_->wants_snapshot() || snapshot_wanted_)
    return !complained_ || since_ns >= kRetryNs || logs_->wants_snapshot();
  if (store_.last_stamp() == snapshot_stamp_) return false;
  const uint64_t grown = logs_->bytes() - snapshot_log_bytes_;
  const uint64_t changes = logs_->records() - snapshot_log_records_;
  if (grown > std::max(options_.log_bytes_per_snapshot, snapshot_bytes_.get()) ||
      changes >
          std::max({options_.log_records_per_snapshot, snapshot_groups_, snapshot_bytes_.get() / kBytesPerChange})) {
    return since_ns >= kRetryNs;
  }
  return since_ns >= options_.snapshot_interval.count();
}

Result<void, std::string> Durability::take_snapshot() {
  if (!has_directory())
    return std::unexpected(lock_.lost() ? "another gateway uses the directory" : "the directory is gone");
  store::Writer writer(store_);
  // At the end no log goes on in its segment.
  const std::vector<uint64_t> present =
      ending_.get() == 0 ? logs_->present_sequences() : std::vector<uint64_t>(logs_->size(), UINT64_MAX);
  const uint64_t log_bytes = logs_->bytes();
  const uint64_t log_records = logs_->records();
  const uint64_t stamp = store_.last_stamp();
  // Whoever drew a stamp up to this one has published by the end of a grace period.
  const uint64_t grace = writer.begin_grace();
  wait_until(writer, [&] { return writer.grace_passed(grace); });
  auto snapshot = snapshot_of_now(writer);
  const auto written = wal::write_snapshot(*storage_, stamp, *snapshot, writer);
  snapshot.release();
  writer.quiescent();
  if (!written) return std::unexpected(written.error());
  logs_->healed(stamp);
  snapshot_wanted_ = false;
  missing_ = false;
  snapshot_stamp_ = stamp;
  snapshot_log_bytes_ = log_bytes;
  snapshot_log_records_ = log_records;
  snapshot_groups_ = written->groups;
  snapshot_bytes_.set(written->bytes);
  ++snapshots_;
  last_success_ns_.set(wall_ns());
  log::write(log::Level::kDebug, log::Reason::kAlways, "persisted metrics",
             {{"directory", options_.directory},
              {"groups", std::to_string(written->groups)},
              {"bytes", std::to_string(written->bytes)}});
  expect_gone(stamp, present);
  if (recovery_ != nullptr) {
    if (auto aside = recovery_->set_aside(); !aside) return aside;
    recovery_.reset();
  }
  return wal::remove_covered(*storage_, stamp, present, first_sequence_);
}

Result<void, std::string> Durability::finish() {
  ending_.set(1);
  SLUICE_CHECK(eventfd_write(wake_, 1) == 0);
  thread_.join();
  if (!fatal_.empty()) {
    // Who is started again and again must not leave files each time.
    drop_unused();
    return std::unexpected(fatal_);
  }
  if (ready()) static_cast<void>(inspect_directory());
  bool logged = true;
  for (uint32_t worker = 0; worker < logs_->size(); ++worker) logged &= logs_->log(worker).finish();
  drop_unused();
  const bool whole = !missing_ && has_directory();
  if (!ready() || (store_.last_stamp() == snapshot_stamp_ && whole)) return {};
  auto taken = take_snapshot();
  if (taken || (logged && whole && has_directory())) {
    if (!taken)
      log::write(log::Level::kError, log::Reason::kAlways, "error persisting metrics", {{"err", taken.error()}});
    return {};
  }
  return std::unexpected(fmt::format("{}: {}", options_.directory, taken.error()));
}

}  // namespace sluice::net::api
