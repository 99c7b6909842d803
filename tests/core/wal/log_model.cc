// Two logs, their keeper, snapshots and recovery on a disk that fails by seed, against the history of what was asked:
// what was secured is recovered, what is recovered was sent, and the order within a group is kept.
//
//   WAL_MODEL_SEEDS=100000 core_wal_log_model      the long form; 2,000 otherwise
//   WAL_MODEL_SEED=17 core_wal_log_model           one seed alone
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <random>

#include "core/wal/log.h"
#include "core/wal/recovery.h"
#include "core/wal/snapshot_file.h"
#include "net/api/restore.h"
#include "tests/core/store/testing.h"
#include "tests/core/wal/history.h"
#include "tests/core/wal/simulated_disk.h"

namespace sluice::wal {
namespace {

using store::ChangeKind;
using testing::DiskCall;
using testing::Groups;
using testing::History;
using testing::Mutation;
using testing::SimulatedDisk;

constexpr uint32_t kLogs = 2;

// How a seed's disk behaves.
struct Faults {
  uint64_t sync_of = 0;   // one in so many syncs fails; 0: none
  uint64_t write_of = 0;  // the same of writes
  uint64_t other_of = 0;  // of creations, renames, removals and syncs of the directory
  bool small = false;     // the disk is full now and then
};

class Model {
 public:
  Model(uint64_t seed, bool verbose) : random_(seed), disk_(seed * 7919 + 1), verbose_(verbose) {
    options_.fsync = std::array{Fsync::kAlways, Fsync::kInterval, Fsync::kNever}[below(3)];
    options_.interval_ns = 40;
    options_.segment_bytes = 200 + below(3000);
    options_.buffer_bytes_max = 400 + below(2000);
    if (below(2) == 0) faults_ = {2 + below(30), below(40), below(20), below(2) == 0};
    disk_.fault = [this](DiskCall call, const std::string&) { return fault(call); };
  }

  // Empty, or what is wrong.
  std::string run() {
    const uint64_t lives = 2 + below(4);
    for (uint64_t life = 0; life < lives && wrong_.empty(); ++life) {
      one_life();
      end_life();
    }
    return wrong_;
  }

 private:
  struct Life {
    explicit Life(SimulatedDisk& disk) : storage(disk.open()), store(store_options()) {}
    static store::Options store_options() {
      store::Options options;
      options.writers_max = kLogs + 3;
      return options;
    }
    std::unique_ptr<Storage> storage;
    store::Store store;
    std::unique_ptr<LogSet> logs;
    // All that was found in the log, whose syncs may have failed before, is in a snapshot.
    bool secured = true;
    std::vector<std::unique_ptr<store::testing::Client>> clients;
    uint64_t first_sequence = 1;
    size_t first_mutation = 0;
    std::array<File*, kLogs> syncing{};
  };

  // With WAL_MODEL_SEED: what happens.
  template <typename... Args>
  void say(fmt::format_string<Args...> format, Args&&... args) const {
    if (verbose_) fmt::print("{}\n", fmt::format(format, std::forward<Args>(args)...));
  }

  uint64_t below(uint64_t bound) { return bound == 0 ? 0 : random_() % bound; }

  int fault(DiskCall call) {
    if (!faulty_) return 0;
    const auto one_in = [&](uint64_t many, int error) {
      if (many == 0 || below(many) != 0) return 0;
      failed_ = true;
      return error;
    };
    switch (call) {
      case DiskCall::kSync:
        return one_in(faults_.sync_of, EIO);
      case DiskCall::kWrite:
        return one_in(faults_.write_of, below(2) == 0 ? EIO : ENOSPC);
      case DiskCall::kRead:
      case DiskCall::kList:
        return 0;
      default:
        return one_in(faults_.other_of, EIO);
    }
  }

  // ---- A life ------------------------------------------------------------------------------------------------------

  void one_life() {
    life_ = std::make_unique<Life>(disk_);
    faulty_ = false;
    disk_.bytes_max = UINT64_MAX;
    recover();
    if (!wrong_.empty() || disk_.crashed()) return;
    if (options_.fsync == Fsync::kAlways && !life_->secured) return;
    faulty_ = true;
    if (below(2) == 0) disk_.calls_until_crash = 1 + below(150);
    const uint64_t steps = below(200);
    for (uint64_t step = 0; step < steps && !disk_.crashed() && wrong_.empty(); ++step) one_step();
  }

  void one_step() {
    now_ns_ += static_cast<int64_t>(below(10));
    const auto index = static_cast<uint32_t>(below(kLogs));
    const uint64_t dice = below(100);
    if (dice < 45) {
      mutate(index);
    } else if (dice < 65) {
      life_->logs->log(index).flush();
    } else if (dice < 85) {
      sync(index);
    } else if (dice < 93) {
      static_cast<void>(life_->logs->keep());
    } else if (dice < 97 || life_->logs->wants_snapshot()) {
      static_cast<void>(take_snapshot(life_->logs->present_sequences()));
    } else if (faults_.small) {
      disk_.bytes_max = disk_.bytes_max == UINT64_MAX ? disk_.bytes() + below(500) : UINT64_MAX;
      failed_ = true;
    }
    if (below(20) == 0) faulty_ = !faulty_;
    turn();
  }

  void turn() {
    for (auto& client : life_->clients) client->writer().quiescent();
    observe();
  }

  // What may be acknowledged now.
  void observe() {
    const LogSet& logs = *life_->logs;
    std::erase_if(waiting_, [&](size_t index) {
      Mutation& mutation = history_.at(index);
      // Nobody asks with kNever, which leaves segments unsynced.
      const bool durable = options_.fsync != Fsync::kNever && life_->secured && logs.is_durable(mutation.stamp);
      // A log that has failed lets replies go with the others of the modes; they promise less then.
      if (options_.fsync == Fsync::kAlways && logs.acknowledged(mutation.stamp) == LogSet::Acknowledged::kYes &&
          !durable)
        wrong_ = "acknowledged and not durable";
      mutation.in_process |= logs.is_written(mutation.stamp);
      mutation.on_disk |= durable;
      return durable;
    });
  }

  void sync(uint32_t index) {
    Log& log = life_->logs->log(index);
    File*& file = life_->syncing[index];
    if (file == nullptr) {
      file = log.wants_sync(now_ns_);
      if (file == nullptr) return;
      log.sync_started(now_ns_);
      if (below(2) == 0) return;  // it goes on for some turns
    }
    const int error = std::exchange(file, nullptr)->sync();
    say("log {}: sync gives {}", index, error);
    log.sync_done(error, now_ns_);
  }

  // ---- Mutations ---------------------------------------------------------------------------------------------------

  void mutate(uint32_t index) {
    store::testing::Client& client = *life_->clients[index];
    const store::testing::Labels labels = {{"job", fmt::format("j{}", below(3))}};
    const std::string group = fmt::format("instance=\"\",job=\"{}\"", labels.front().second);
    Mutation mutation;
    mutation.group = group;
    const uint64_t dice = below(10);
    if (dice < 2) {
      const store::EraseResult erased = client.erase(labels);
      if (erased.status != store::EraseResult::Status::kDone) return;
      mutation.kind = ChangeKind::kErase;
      mutation.stamp = erased.stamp;
    } else {
      mutation.kind = dice < 3 ? ChangeKind::kFail : dice < 6 ? ChangeKind::kPut : ChangeKind::kPost;
      if (!push(index, labels, mutation)) return;
    }
    say("log {}: {} of {} stamp {}", index, static_cast<int>(mutation.kind), group, mutation.stamp);
    waiting_.push_back(history_.add(std::move(mutation)));
  }

  bool push(uint32_t index, const store::testing::Labels& labels, Mutation& mutation) {
    std::string body;
    if (mutation.kind != ChangeKind::kFail) {
      const uint64_t families = 1 + below(3);
      for (uint64_t i = 0; i < families; ++i) {
        const std::string name = fmt::format("m{}", below(4));
        if (mutation.families.contains(name)) continue;
        const std::string line = fmt::format("{} {}\n", name, ++value_);
        mutation.families[name] = std::to_string(value_);
        body += line;
      }
    }
    const store::testing::Pushed pushed(labels, body);
    store::Writer& writer = life_->clients[index]->writer();
    const model::GroupKey key = store::testing::key_of(labels);
    store::PushOp op;
    if (mutation.kind == ChangeKind::kFail) {
      op.start_fail(writer, key, ++value_);
    } else {
      op.start(writer, pushed.request(mutation.kind == ChangeKind::kPut, ++value_));
    }
    for (int tries = 0; op.step(Deadline::never()) != store::StepResult::kDone; ++tries) {
      if (tries > 20 || disk_.crashed()) {
        op.cancel();
        return false;
      }
      life_->logs->log(index).flush();
      for (uint32_t log = 0; log < kLogs; ++log) sync(log);
      static_cast<void>(life_->logs->keep());
      turn();
    }
    mutation.stamp = op.result().stamp;
    return op.result().status == store::PushStatus::kOk;
  }

  // ---- The keeper's work, as net/api/durability does it ------------------------------------------------------------

  bool take_snapshot(const std::vector<uint64_t>& present) {
    store::testing::Client reader(life_->store);
    const uint64_t stamp = life_->store.last_stamp();
    // Workers go on meanwhile.
    for (uint64_t more = life_->clients.empty() ? 0 : below(3); more > 0 && present.front() != UINT64_MAX; --more) {
      reader.writer().offline();
      mutate(static_cast<uint32_t>(below(kLogs)));
      turn();
      reader.writer().online();
    }
    const uint64_t grace = reader.writer().begin_grace();
    while (!reader.writer().grace_passed(grace)) {
      for (auto& client : life_->clients) client->writer().quiescent();
      reader.writer().quiescent();
    }
    store::SnapshotRequest request;
    request.start(reader.writer());
    while (request.step(Deadline::never()) != store::StepResult::kDone) {
      for (auto& client : life_->clients) client->writer().quiescent();
      reader.writer().quiescent();
    }
    store::SnapshotRef snapshot = request.take();
    const auto written = write_snapshot(*life_->storage, stamp, *snapshot, reader.writer());
    snapshot.release();
    say("snapshot at {}: {}", stamp, written ? "ok" : written.error());
    if (!written) return false;
    life_->logs->healed(stamp);
    life_->secured = true;
    for (size_t index = life_->first_mutation; index < history_.size(); ++index) {
      if (history_.at(index).stamp <= stamp) history_.at(index).on_disk = true;
    }
    if (recovery_ != nullptr) {
      if (!recovery_->set_aside()) return false;
      recovery_.reset();
    }
    return remove_covered(*life_->storage, stamp, present, life_->first_sequence).has_value();
  }

  void recover() {
    Life& life = *life_;
    const auto entries = life.storage->list();
    for (const DirectoryEntry& entry : *entries) {
      uint32_t worker = 0;
      uint64_t number = 0;
      if (parse_segment_name(entry.name, worker, number))
        life.first_sequence = std::max(life.first_sequence, number + 1);
    }
    life.logs = std::make_unique<LogSet>(*life.storage, life.store, options_, kLogs, life.first_sequence);
    static_cast<void>(life.logs->keep());
    const auto parts = static_cast<unsigned>(1 + below(2));
    recovery_ = std::make_unique<Recovery>(*life.storage);
    if (const auto read = recovery_->read(parts); !read) {
      wrong_ = read.error();
      return;
    }
    const RecoveryFigures& found = recovery_->figures();
    say("recovered {} records, snapshot {}, stamps to {}, torn {}, damages {}", found.records, found.snapshot_stamp,
        found.stamp_max, found.torn_bytes, found.damages.size());
    if (!found.damages.empty() && !failed_) {
      wrong_ = fmt::format("a crash is taken for damage: {} at {}: {}", found.damages.front().file,
                           found.damages.front().offset, found.damages.front().what);
      return;
    }
    life.store.continue_stamps_after(found.stamp_max);
    Groups groups;
    {
      store::Writer writer(life.store);
      net::api::Restore restore(writer, true);
      for (unsigned part = 0; part < parts; ++part) {
        recovery_->for_each_group(part, [&](const StoredGroup& group) {
          testing::Families& families = groups[std::string(group.label_text)];
          for (const StoredFamily& family : group.families) {
            const size_t space = family.text.rfind(' ');
            families[std::string(family.name)] = family.text.substr(space + 1, family.text.size() - space - 2);
          }
          if (!restore.group(group)) wrong_ = "a group cannot be restored";
        });
      }
    }
    if (const std::string wrong = history_.check(groups, power_cut_); !wrong.empty()) wrong_ = wrong;
    history_.restart(groups, found.stamp_max, power_cut_);
    life.first_mutation = history_.size();
    // Before anything is promised.
    if (const auto durable = recovery_->make_durable(); !durable) wrong_ = durable.error();
    recovery_->remove_empty(life.first_sequence);
    life.secured = found.logged == 0 || options_.fsync == Fsync::kNever;
    if (found.damages.empty()) recovery_.reset();
    // Before it is ready; with kInterval soon.
    if (options_.fsync == Fsync::kAlways && !life.secured && wrong_.empty())
      static_cast<void>(take_snapshot(life.logs->present_sequences()));
    for (uint32_t index = 0; index < kLogs; ++index) {
      life.clients.push_back(std::make_unique<store::testing::Client>(life.store));
      life.clients.back()->writer().set_journal(&life.logs->log(index));
    }
  }

  void end_life() {
    Life& life = *life_;
    const bool clean = !disk_.crashed() && wrong_.empty() && below(4) == 0;
    if (clean) finish();
    for (auto& client : life.clients) client->writer().set_journal(nullptr);
    waiting_.clear();
    recovery_.reset();
    life_.reset();
    power_cut_ = below(2) == 0;
    say("---- {}{}", clean ? "clean end, " : "", power_cut_ ? "power cut" : "process gone");
    if (power_cut_) {
      disk_.power_cut();
    } else {
      disk_.restart_process();
    }
  }

  void finish() {
    Life& life = *life_;
    bool logged = true;
    for (uint32_t index = 0; index < kLogs; ++index) {
      if (life.syncing[index] != nullptr) life.logs->log(index).forget_sync();
      life.syncing[index] = nullptr;
      logged &= life.logs->log(index).finish();
    }
    observe();
    life.logs->remove_unused();
    const uint64_t last = life.store.last_stamp();
    const bool kept = take_snapshot(std::vector<uint64_t>(kLogs, UINT64_MAX));
    if (!kept && (!logged || options_.fsync == Fsync::kNever)) return;
    for (size_t index = life.first_mutation; index < history_.size(); ++index) {
      if (history_.at(index).stamp <= last) history_.at(index).on_disk = true;
    }
  }

  std::mt19937_64 random_;
  SimulatedDisk disk_;
  const bool verbose_;
  LogOptions options_;
  Faults faults_;
  bool faulty_ = false;
  bool failed_ = false;  // a call has failed: damage is no surprise
  bool power_cut_ = false;
  int64_t now_ns_ = 1000;
  int64_t value_ = 0;
  History history_;
  std::vector<size_t> waiting_;
  std::unique_ptr<Life> life_;
  std::unique_ptr<Recovery> recovery_;
  std::string wrong_;
};

uint64_t number_of(const char* name, uint64_t otherwise) {
  const char* const text = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): before any thread
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

TEST(LogModel, NothingSecuredIsLostAndNothingIsMadeUp) {
  const uint64_t one = number_of("WAL_MODEL_SEED", 0);
  const uint64_t seeds = one != 0 ? one + 1 : number_of("WAL_MODEL_SEEDS", 2000) + 1;
  for (uint64_t seed = one != 0 ? one : 1; seed < seeds; ++seed) {
    const std::string wrong = Model(seed, one != 0).run();
    ASSERT_EQ(wrong, "") << "seed " << seed;
  }
}

}  // namespace
}  // namespace sluice::wal
