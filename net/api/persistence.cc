#include "net/api/persistence.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "core/base/check.h"
#include "core/base/limits.h"
#include "core/base/log.h"
#include "core/wal/state_file.h"
#include "net/api/family_text.h"
#include "net/api/restore.h"

namespace sluice::net::api {
namespace {

using namespace std::chrono_literals;

// Nobody needs a state file that is younger, and writing without a pause would cost a core.
constexpr std::chrono::nanoseconds kIntervalMin = 100ms;

// A snapshot of now; the other threads take their time, so this one waits in small steps.
store::SnapshotRef take_snapshot(store::Writer& writer) {
  store::SnapshotRequest request;
  request.start(writer);
  while (true) {
    const store::StepResult step = request.step(Deadline::in_ns(limits::kSliceNs));
    if (step == store::StepResult::kDone) return request.take();
    writer.quiescent();
    if (step != store::StepResult::kParked) continue;
    writer.offline();
    std::this_thread::sleep_for(1ms);
    writer.online();
  }
}

constexpr std::string_view kWrites = "sluice_persistence_writes_total";
constexpr std::string_view kLastSuccess = "sluice_persistence_last_success_timestamp_seconds";

}  // namespace

Persistence::Persistence(store::Store& store, PersistenceOptions options)
    : store_(store), options_(std::move(options)) {
  options_.interval = std::max(options_.interval, kIntervalMin);
}

Persistence::~Persistence() {
  if (thread_.joinable()) {
    SLUICE_CHECK(eventfd_write(wake_, 1) == 0);
    thread_.join();
  }
  if (wake_ >= 0) close(wake_);
}

Result<void, std::string> Persistence::load() {
  wal::StateFileReader reader;
  const auto exists = reader.open(options_.file);
  if (!exists) return std::unexpected(exists.error());
  if (!*exists) return {};
  const int64_t begin_ns = monotonic_ns();
  store::Writer writer(store_);
  uint64_t groups = 0;
  {
    Restore restore(writer, options_.consistency_check);
    for (wal::StoredGroup group;; ++groups) {
      const auto more = reader.next(group);
      if (!more) return std::unexpected(more.error());
      if (!*more) break;
      if (const auto restored = restore.group(group); !restored) {
        log::write(log::Level::kWarn, log::Reason::kRestore, "part of a stored group was not restored",
                   {{"group", std::string(group.label_text)}, {"err", restored.error()}});
      }
    }
  }
  written_stamp_ = store_.last_stamp();
  log::write(log::Level::kInfo, log::Reason::kAlways, "restored the state",
             {{"file", options_.file},
              {"groups", std::to_string(groups)},
              {"ms", std::to_string((monotonic_ns() - begin_ns) / 1'000'000)}});
  return {};
}

void Persistence::append(std::vector<render::OwnFamily>& families) const {
  render::OwnFamily writes{
      std::string(kWrites), "Writes of the persistence file, by result.", model::MetricType::kCounter, {}};
  append_count(writes.lines, kWrites, {{"result", "failed"}}, failures_);
  append_count(writes.lines, kWrites, {{"result", "ok"}}, writes_);
  families.push_back(std::move(writes));
  render::OwnFamily last{std::string(kLastSuccess),
                         "When the persistence file was written last, since the start; 0 for never.",
                         model::MetricType::kGauge,
                         {}};
  append_sample(last.lines, kLastSuccess, {}, static_cast<double>(last_success_ns_) / 1e9);
  families.push_back(std::move(last));
}

std::vector<store::OwnFamily> Persistence::names() {
  return {{std::string(kWrites), model::MetricType::kCounter}, {std::string(kLastSuccess), model::MetricType::kGauge}};
}

void Persistence::start() {
  wake_ = eventfd(0, EFD_CLOEXEC);
  SLUICE_CHECK(wake_ >= 0);
  thread_ = std::thread([this] { run(); });
}

bool Persistence::wait_interval() const {
  const auto end = std::chrono::steady_clock::now() + options_.interval;
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    if (left <= 0ms) return true;
    pollfd wake{wake_, POLLIN, 0};
    // A day at most, because poll() takes an int.
    const int ready = poll(&wake, 1, static_cast<int>(std::min<int64_t>(left.count(), 86'400'000)));
    if (ready > 0) return false;
    SLUICE_CHECK(ready == 0 || errno == EINTR);
  }
}

void Persistence::run() {
  while (wait_interval()) {
    if (store_.last_stamp() == written_stamp_) continue;
    store::Writer writer(store_);
    if (const auto written = write(writer); !written) {
      log::write(log::Level::kError, log::Reason::kAlways, "error persisting metrics", {{"err", written.error()}});
    }
  }
}

Result<void, std::string> Persistence::finish() {
  SLUICE_CHECK(eventfd_write(wake_, 1) == 0);
  thread_.join();
  store::Writer writer(store_);
  return write(writer);
}

Result<void, std::string> Persistence::write(store::Writer& writer) {
  // Somebody may have put another file there meanwhile.
  if (const auto ours = wal::StateFileReader().open(options_.file); !ours) {
    ++failures_;
    return std::unexpected(ours.error());
  }
  // Mutations during the walk may or may not be in it: they count as not written.
  const uint64_t stamp = store_.last_stamp();
  auto snapshot = take_snapshot(writer);
  const auto written = wal::write_state_file(options_.file, *snapshot, writer);
  snapshot.release();
  writer.quiescent();
  if (!written) {
    ++failures_;
    return std::unexpected(written.error());
  }
  written_stamp_ = stamp;
  ++writes_;
  last_success_ns_.set(wall_ns());
  log::write(log::Level::kDebug, log::Reason::kAlways, "persisted metrics",
             {{"file", options_.file},
              {"groups", std::to_string(written->groups)},
              {"bytes", std::to_string(written->bytes)}});
  return {};
}

}  // namespace sluice::net::api
