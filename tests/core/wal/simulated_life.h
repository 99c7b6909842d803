// One process with a durable log on a simulated disk, as net/api/durability runs it: recovery, what a start does before
// it promises anything, changes, the keeper's work, snapshots, an end. One thread, and with Fsync::kAlways.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/store/journal.h"
#include "core/wal/log.h"
#include "core/wal/recovery.h"
#include "tests/core/store/testing.h"
#include "tests/core/wal/history.h"
#include "tests/core/wal/simulated_disk.h"

namespace sluice::wal::testing {

class SimulatedLife {
 public:
  static constexpr uint32_t kLogs = 2;

  // What is acknowledged goes into `history`. Both outlive it.
  SimulatedLife(SimulatedDisk& disk, History& history, uint64_t segment_bytes);
  ~SimulatedLife();
  SimulatedLife(const SimulatedLife&) = delete;
  SimulatedLife& operator=(const SimulatedLife&) = delete;

  // A start. False when the disk did not let it: then the process ends. What is wrong with what was found is in
  // wrong().
  [[nodiscard]] bool start(bool after_power_cut);
  // A change of the group "j<group>", whose families get values of their own. False when it was not acknowledged.
  bool change(uint32_t log, store::ChangeKind kind, int group, const std::vector<std::string>& families);
  // Writes, syncs and keeps until all logs are good and nothing is owed. False when the disk does not let it.
  bool settle();
  bool take_snapshot();
  // An end as after SIGTERM.
  bool finish();

  [[nodiscard]] const std::string& wrong() const noexcept { return wrong_; }
  [[nodiscard]] const RecoveryFigures& found() const noexcept { return found_; }
  [[nodiscard]] LogSet& logs() noexcept { return *logs_; }

 private:
  void turn();
  void observe();
  [[nodiscard]] bool push(uint32_t log, Mutation& mutation, const store::testing::Labels& labels);
  [[nodiscard]] bool snapshot(const std::vector<uint64_t>& present);
  [[nodiscard]] Groups restore();

  SimulatedDisk& disk_;
  History& history_;
  const std::unique_ptr<Storage> storage_;
  store::Store store_;
  LogOptions options_;
  uint64_t first_sequence_ = 1;
  std::unique_ptr<LogSet> logs_;
  std::unique_ptr<Recovery> recovery_;
  std::vector<std::unique_ptr<store::testing::Client>> clients_;
  size_t first_mutation_ = 0;
  RecoveryFigures found_;
  std::string wrong_;
};

}  // namespace sluice::wal::testing
