// What a scrape shows of the log and its snapshots.
#include <fmt/format.h>

#include <string>
#include <string_view>
#include <utility>

#include "net/api/durability.h"
#include "net/api/family_text.h"

namespace sluice::net::api {
namespace {

using model::MetricType;

struct Description {
  std::string_view name;
  MetricType type;
  std::string_view help;
};

constexpr Description kWrites = {"sluice_persistence_writes_total", MetricType::kCounter,
                                 "Snapshots written to the persistence directory, by result."};
constexpr Description kLastSuccess = {"sluice_persistence_last_success_timestamp_seconds", MetricType::kGauge,
                                      "When a snapshot was written last, since the start; 0 for never."};
constexpr Description kSnapshotBytes = {"sluice_persistence_snapshot_bytes", MetricType::kGauge,
                                        "Size of the newest snapshot that was written since the start."};
constexpr Description kDirectoryBytes = {"sluice_wal_directory_bytes", MetricType::kGauge,
                                         "Size of all files in the persistence directory, about a second ago."};
constexpr Description kDamaged = {"sluice_wal_damages", MetricType::kGauge,
                                  "Places in the log and its snapshots that did not verify at the start."};
constexpr Description kFailed = {"sluice_wal_failed", MetricType::kGauge,
                                 "1 while changes cannot be written to the log."};
constexpr Description kReplaySeconds = {"sluice_wal_replay_seconds", MetricType::kGauge,
                                        "How long the recovery at the start took."};
constexpr Description kReplayed = {"sluice_wal_replayed_records", MetricType::kGauge,
                                   "Records of snapshot and log that the recovery at the start has read."};
constexpr Description kTorn = {"sluice_wal_torn_files", MetricType::kGauge,
                               "Files of the log whose last record was cut off at the start."};
constexpr Description kSync = {"sluice_wal_fsync_duration_seconds", MetricType::kHistogram,
                               "Duration of the syncs of the log."};

// Sums over the workers.
struct Counted {
  Description about;
  sync::SingleWriter<uint64_t> wal::LogFigures::* figure;
};
constexpr Counted kCounted[] = {
    {{"sluice_wal_bytes_total", MetricType::kCounter, "Bytes of records of the log."}, &wal::LogFigures::bytes},
    {{"sluice_wal_dropped_total", MetricType::kCounter,
      "Changes that were made but not logged because the log had failed; a snapshot makes them durable."},
     &wal::LogFigures::dropped},
    {{"sluice_wal_failures_total", MetricType::kCounter,
      "Writes and syncs of the log that failed, and files of it that somebody took away."},
     &wal::LogFigures::failures},
    {{"sluice_wal_parked_total", MetricType::kCounter, "Changes that waited for room in the log's buffer."},
     &wal::LogFigures::parked},
    {{"sluice_wal_records_total", MetricType::kCounter, "Changes in the log."}, &wal::LogFigures::records},
    {{"sluice_wal_refused_total", MetricType::kCounter, "Changes refused because the log had failed."},
     &wal::LogFigures::refused},
    {{"sluice_wal_segments_total", MetricType::kCounter, "Files of the log that were begun."},
     &wal::LogFigures::segments},
    {{"sluice_wal_writes_total", MetricType::kCounter, "Writes of the log."}, &wal::LogFigures::writes},
};

render::OwnFamily family_of(const Description& about) {
  return {std::string(about.name), std::string(about.help), about.type, {}};
}

void add_gauge(std::vector<render::OwnFamily>& families, const Description& about, double value) {
  render::OwnFamily family = family_of(about);
  append_sample(family.lines, about.name, {}, value);
  families.push_back(std::move(family));
}

}  // namespace

std::vector<store::OwnFamily> Durability::names() {
  std::vector<store::OwnFamily> names;
  for (const Description& about : {kWrites, kLastSuccess, kSnapshotBytes, kDirectoryBytes, kDamaged, kFailed,
                                   kReplaySeconds, kReplayed, kTorn, kSync}) {
    names.push_back({std::string(about.name), about.type});
  }
  for (const Counted& counted : kCounted) names.push_back({std::string(counted.about.name), counted.about.type});
  return names;
}

void Durability::append(std::vector<render::OwnFamily>& families) const {
  append_state_families(families);
  append_log_families(families);
}

void Durability::append_state_families(std::vector<render::OwnFamily>& families) const {
  render::OwnFamily writes = family_of(kWrites);
  append_count(writes.lines, kWrites.name, {{"result", "failed"}}, snapshot_failures_);
  append_count(writes.lines, kWrites.name, {{"result", "ok"}}, snapshots_);
  families.push_back(std::move(writes));
  add_gauge(families, kLastSuccess, static_cast<double>(last_success_ns_) / 1e9);
  add_gauge(families, kSnapshotBytes, static_cast<double>(snapshot_bytes_));
  add_gauge(families, kDirectoryBytes, static_cast<double>(directory_bytes_));
  add_gauge(families, kDamaged, static_cast<double>(damages_));
  add_gauge(families, kFailed, logs_->failed() ? 1 : 0);
  add_gauge(families, kReplaySeconds, static_cast<double>(replay_ns_) / 1e9);
  add_gauge(families, kReplayed, static_cast<double>(replayed_));
  add_gauge(families, kTorn, static_cast<double>(torn_));
}

void Durability::append_log_families(std::vector<render::OwnFamily>& families) const {
  for (const Counted& counted : kCounted) {
    uint64_t sum = 0;
    for (uint32_t worker = 0; worker < logs_->size(); ++worker) sum += logs_->log(worker).figures().*counted.figure;
    render::OwnFamily family = family_of(counted.about);
    append_count(family.lines, counted.about.name, {}, sum);
    families.push_back(std::move(family));
  }
  std::array<uint64_t, wal::kSyncBounds.size() + 1> buckets{};
  uint64_t sync_ns = 0;
  for (uint32_t worker = 0; worker < logs_->size(); ++worker) {
    const wal::LogFigures& figures = logs_->log(worker).figures();
    for (size_t i = 0; i < buckets.size(); ++i) buckets[i] += figures.sync_buckets[i];
    sync_ns += figures.sync_ns;
  }
  render::OwnFamily sync = family_of(kSync);
  const std::string bucket = std::string(kSync.name) + "_bucket";
  uint64_t count = 0;
  for (size_t i = 0; i < buckets.size(); ++i) {
    count += buckets[i];
    const std::string bound = i < wal::kSyncBounds.size() ? fmt::format("{:g}", wal::kSyncBounds[i]) : "+Inf";
    append_count(sync.lines, bucket, {{"le", bound}}, count);
  }
  append_sample(sync.lines, std::string(kSync.name) + "_sum", {}, static_cast<double>(sync_ns) / 1e9);
  append_count(sync.lines, std::string(kSync.name) + "_count", {}, count);
  families.push_back(std::move(sync));
}

}  // namespace sluice::net::api
