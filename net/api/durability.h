// --persistence.file: every change is in the log before its request is answered, and what the log and its snapshots say
// is in the store again after a restart.
//
// open() on the main thread before anything listens: directory, lock, what cannot be read. Then workers serve, and a
// thread of its own, the keeper, recovers the state; until it has, ready() is false and requests that need the state
// are answered with 503. Afterwards the keeper makes segments, takes snapshots and ends failures (core/wal/log.h).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "core/base/limits.h"
#include "core/base/result.h"
#include "core/render/own_family.h"
#include "core/store/store.h"
#include "core/sync/low_mark.h"
#include "core/sync/single_writer.h"
#include "core/wal/log.h"
#include "core/wal/recovery.h"
#include "core/wal/storage.h"
#include "net/api/directory_lock.h"

namespace sluice::net::api {

struct DurabilityOptions {
  std::string directory;   // FILE.sluice
  std::string state_file;  // of an earlier version or made of a Pushgateway's: read while the directory has nothing yet
  wal::LogOptions log;
  std::chrono::nanoseconds snapshot_interval{};
  // A snapshot is due when the log has grown by this much, or by the size of the last one if that is more (or by so
  // many changes, or as many as that had groups): so the directory holds at most two snapshots, as much log as that and
  // what came while one was made, and of each worker the segment that it writes to and the next one.
  uint64_t log_bytes_per_snapshot = limits::kLogBytesPerSnapshot;
  uint64_t log_records_per_snapshot = limits::kLogRecordsPerSnapshot;
  bool salvage = true;  // --persistence.on-corruption
  bool consistency_check = true;
  uint32_t workers = 1;
  // The state cannot be recovered and the process has to end; finish() says why. Called on the keeper.
  std::function<void()> on_fatal;
};

class Durability {
 public:
  // `store` must allow more_writers() beside its workers' ones.
  Durability(store::Store& store, DurabilityOptions options);
  ~Durability();
  Durability(const Durability&) = delete;
  Durability& operator=(const Durability&) = delete;

  [[nodiscard]] static uint32_t more_writers() noexcept;

  // The error, one sentence: the directory cannot be used, or another gateway uses it.
  [[nodiscard]] Result<void, std::string> open();
  // Starts the keeper.
  void start();
  // After the workers have ended. Ends the keeper, writes and syncs what is left and takes a last snapshot. The error,
  // one sentence, says what could not be kept, or why the state could not be recovered.
  [[nodiscard]] Result<void, std::string> finish();

  // Any thread.
  [[nodiscard]] bool ready() const noexcept { return ready_.get() != 0; }
  // Every change is refused at present: it has to be on disk, and the log cannot be written.
  [[nodiscard]] bool refuses() const noexcept { return options_.log.fsync == wal::Fsync::kAlways && logs_->failed(); }
  [[nodiscard]] wal::LogSet::Acknowledged acknowledged(uint64_t stamp) const noexcept {
    return logs_->acknowledged(stamp);
  }
  // The journal of a worker; its thread.
  [[nodiscard]] wal::Log& log(uint32_t worker) noexcept { return logs_->log(worker); }

  // What a scrape shows of it; any thread.
  void append(std::vector<render::OwnFamily>& families) const;
  [[nodiscard]] static std::vector<store::OwnFamily> names();

 private:
  void run();
  [[nodiscard]] Result<void, std::string> recover();
  [[nodiscard]] Result<void, std::string> restore_log(wal::Recovery& recovery, unsigned parts);
  [[nodiscard]] Result<void, std::string> restore_state_file();
  void restore_serially(const wal::Recovery& recovery, unsigned parts);
  void report(const wal::RecoveryFigures& found);
  // Waits for a wake or the time; false when it is time to end.
  [[nodiscard]] bool wait(std::chrono::nanoseconds time) const;
  void keep();
  [[nodiscard]] bool snapshot_due() const;
  void try_snapshot();
  // The directory is where it was, and ours.
  [[nodiscard]] bool has_directory() { return storage_->in_place() && lock_.hold(); }
  // How much of the directory is there: kSome when what is missing has been missed now.
  enum class Found : uint8_t { kNothing, kSome, kAll };
  [[nodiscard]] Found inspect_directory();
  [[nodiscard]] Found find_files();
  void drop_unused();
  [[nodiscard]] std::optional<std::vector<std::string>> list_kept();
  void expect_gone(uint64_t stamp, const std::vector<uint64_t>& present);
  void complain(std::string_view message, std::string_view detail);
  [[nodiscard]] Result<void, std::string> take_snapshot();
  void append_log_families(std::vector<render::OwnFamily>& families) const;
  void append_state_families(std::vector<render::OwnFamily>& families) const;

  store::Store& store_;
  DurabilityOptions options_;
  std::unique_ptr<wal::Storage> storage_;
  DirectoryLock lock_;
  uint64_t first_sequence_ = 1;
  std::unique_ptr<wal::LogSet> logs_;
  std::unique_ptr<wal::Recovery> recovery_;  // until its damaged files are set aside
  std::thread thread_;
  int wake_ = -1;  // eventfd
  sync::Published ready_;
  sync::Published ending_;

  // The keeper's.
  bool snapshot_wanted_ = false;   // now, whatever the interval says
  bool missing_ = false;           // something has been taken away, and no snapshot makes up for it yet
  bool logged_ = false;            // the start found changes in the log
  bool gone_ = false;              // the directory
  bool complained_ = false;        // of what fails at present
  bool snapshot_failed_ = false;   // the last one that was tried
  std::vector<std::string> kept_;  // the files of the log and its snapshots that have to be there
  uint64_t snapshot_stamp_ = 0;    // the state that the newest snapshot holds, or a newer one
  uint64_t snapshot_log_bytes_ = 0;
  uint64_t snapshot_log_records_ = 0;
  uint64_t snapshot_groups_ = 0;
  std::string fatal_;
  int64_t snapshot_tried_ns_ = 0;

  // Figures.
  sync::SingleWriter<uint64_t> snapshots_;
  sync::SingleWriter<uint64_t> snapshot_failures_;
  sync::SingleWriter<int64_t> last_success_ns_;  // wall clock; 0 for never
  sync::SingleWriter<uint64_t> snapshot_bytes_;
  sync::SingleWriter<uint64_t> directory_bytes_;
  sync::SingleWriter<uint64_t> damages_;
  sync::SingleWriter<uint64_t> torn_;
  sync::SingleWriter<uint64_t> replayed_;
  sync::SingleWriter<int64_t> replay_ns_;
};

}  // namespace sluice::net::api
