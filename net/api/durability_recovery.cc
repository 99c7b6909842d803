// Durability at a start: from the files to the store.
#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <utility>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/wal/state_file.h"
#include "net/api/durability.h"
#include "net/api/restore.h"
#include "net/api/restore_progress.h"

namespace sluice::net::api {
namespace {

// Between two lines that say how far it is.
constexpr int64_t kProgressNs = 1'000'000'000;

void log_refused(std::string_view label_text, const std::string& why) {
  log::write(log::Level::kWarn, log::Reason::kRestore, "part of a stored group was not restored",
             {{"group", std::string(label_text)}, {"err", why}});
}

}  // namespace

Result<void, std::string> Durability::recover() {
  const int64_t begin_ns = monotonic_ns();
  const unsigned parts = more_writers();
  log::write(log::Level::kInfo, log::Reason::kAlways, "recovering the state", {{"directory", options_.directory}});
  recovery_ = std::make_unique<wal::Recovery>(*storage_);
  if (auto read = recovery_->read(parts); !read)
    return std::unexpected(fmt::format("{}: {}", options_.directory, read.error()));
  const wal::RecoveryFigures found = recovery_->figures();  // a copy: a snapshot ends the recovery
  log::write(log::Level::kInfo, log::Reason::kAlways, "read the files of the log",
             {{"files", std::to_string(found.files)},
              {"bytes", std::to_string(found.bytes)},
              {"records", std::to_string(found.records)},
              {"ms", std::to_string((monotonic_ns() - begin_ns) / 1'000'000)}});
  report(found);
  if (!found.damages.empty() && !options_.salvage) {
    const wal::Damage& first = found.damages.front();
    return std::unexpected(
        fmt::format("{}/{} is damaged at offset {}: {}; --persistence.on-corruption=salvage serves what verifies",
                    options_.directory, first.file, first.offset, first.what));
  }
  // The next snapshot must not have the name of a damaged one, whose file it would replace.
  store_.continue_stamps_after(found.stamp_max + (found.damages.empty() ? 0 : 1));
  const bool empty = found.records == 0 && found.snapshot_stamp == 0 && found.damages.empty();
  auto restored = empty ? restore_state_file() : restore_log(*recovery_, parts);
  if (!restored) return restored;
  replayed_.set(found.records);
  replay_ns_.set(monotonic_ns() - begin_ns);
  if (options_.log.fsync != wal::Fsync::kNever) {
    if (auto durable = recovery_->make_durable(); !durable)
      return std::unexpected(fmt::format("{}: {}", options_.directory, durable.error()));
  }
  recovery_->remove_empty(first_sequence_);
  // What was read is in files that were damaged, or whose sync may have failed in an earlier life (run() has more).
  logged_ = found.logged != 0;
  snapshot_wanted_ = !found.damages.empty() || (logged_ && options_.log.fsync == wal::Fsync::kInterval);
  // From now on the state file counts no more, so what it says is ours before the first change is.
  if (empty && store_.stats().groups > 0) {
    if (auto taken = take_snapshot(); !taken)
      return std::unexpected(fmt::format("{}: {}", options_.directory, taken.error()));
  }
  log::write(log::Level::kInfo, log::Reason::kAlways, "restored the state",
             {{"directory", options_.directory},
              {"groups", std::to_string(store_.stats().groups)},
              {"records", std::to_string(found.records)},
              {"ms", std::to_string(replay_ns_ / 1'000'000)}});
  if (found.damages.empty()) recovery_.reset();
  return {};
}

void Durability::report(const wal::RecoveryFigures& found) {
  damages_.set(found.damages.size());
  torn_.set(found.torn_files);
  if (found.torn_files != 0) {
    log::write(log::Level::kWarn, log::Reason::kAlways, "the log ends in the middle of a record, which was cut off",
               {{"files", std::to_string(found.torn_files)}, {"bytes", std::to_string(found.torn_bytes)}});
  }
  for (const wal::Damage& damage : found.damages) {
    log::write(log::Level::kError, log::Reason::kAlways, "a file of the log is damaged",
               {{"file", options_.directory + "/" + damage.file},
                {"offset", std::to_string(damage.offset)},
                {"err", damage.what}});
  }
}

Result<void, std::string> Durability::restore_log(wal::Recovery& recovery, unsigned parts) {
  std::vector<uint8_t> conflicts(parts, 0);
  RestoreProgress progress(parts, kProgressNs, [](uint64_t groups) {
    log::write(log::Level::kInfo, log::Reason::kAlways, "restoring groups", {{"done", std::to_string(groups)}});
  });
  const auto work = [&](unsigned part) {
    store::Writer writer(store_);
    Restore restore(writer, options_.consistency_check);
    recovery.for_each_group(part, [&](const wal::StoredGroup& group) {
      if (ending_.get() == 0 && !restore.group(group)) conflicts[part] = 1;
      progress.count(part);
    });
  };
  {
    std::vector<std::jthread> threads;
    for (unsigned part = 1; part < parts; ++part) threads.emplace_back(work, part);
    work(0);
  }
  if (std::ranges::find(conflicts, 1) != conflicts.end()) restore_serially(recovery, parts);
  return {};
}

// Two groups contradict each other, as they can when a part of the log is lost: everything again, in the order in which
// it was pushed, so that of two families the newer is left out.
void Durability::restore_serially(const wal::Recovery& recovery, unsigned parts) {
  store::Writer writer(store_);
  {
    store::WipeOp wipe;
    wipe.start(writer);
    while (wipe.step(Deadline::never()) != store::StepResult::kDone) writer.quiescent();
  }
  std::deque<std::string> texts;  // which live only as long as the group that they belong to
  std::vector<wal::StoredGroup> pieces;
  std::vector<wal::StoredGroup> ends;
  for (unsigned part = 0; part < parts; ++part) {
    recovery.for_each_group(part, [&](const wal::StoredGroup& group) {
      for (wal::StoredFamily family : group.families) {
        if (family.text_is_made) family.text = texts.emplace_back(family.text);
        pieces.push_back({family.push_time_ns, 0, group.label_text, {family}});
      }
      ends.push_back({group.push_time_ns, group.push_failure_time_ns, group.label_text, {}});
    });
  }
  std::ranges::sort(pieces, {}, [](const wal::StoredGroup& piece) { return piece.families.front().stamp; });
  Restore restore(writer, options_.consistency_check);
  for (const std::vector<wal::StoredGroup>* groups : {&pieces, &ends}) {
    for (const wal::StoredGroup& group : *groups) {
      if (const auto restored = restore.group(group); !restored) log_refused(group.label_text, restored.error());
    }
  }
}

Result<void, std::string> Durability::restore_state_file() {
  wal::StateFileReader reader;
  const auto exists = reader.open(options_.state_file);
  if (!exists) return std::unexpected(exists.error());
  if (!*exists) return {};
  store::Writer writer(store_);
  Restore restore(writer, options_.consistency_check);
  for (wal::StoredGroup group;;) {
    const auto more = reader.next(group);
    if (!more) return std::unexpected(more.error());
    if (!*more) return {};
    if (const auto restored = restore.group(group); !restored) log_refused(group.label_text, restored.error());
  }
}

}  // namespace sluice::net::api
