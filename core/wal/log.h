// The durable log: what each worker's mutations were, in files of its own, and what of them is on disk.
//
// One Log for each worker, which is its writer's journal and belongs to its thread; one LogSet for all. A mutation is
// appended to the log's buffer in the step that publishes it. flush(), at least once a turn, writes the buffer with one
// call and, when its time has come, wants the file synced; the worker has its ring do it and says sync_done(). One sync
// is in flight at most. With Fsync::kAlways what comes meanwhile waits for it, and is written and synced together.
//
// A reply that depends on a mutation with stamp S waits until acknowledged(S): with kAlways until every log is durable
// up to S, else until every log is written up to S. Every log, because a change that another worker made and this one
// built on must not vanish alone.
//
// Failures: an error of a write or a sync makes the log fail, and so does a file that is no longer where it was made
// (lose()), for nobody would find what it holds. Nothing is tried again on that file. The keeper (below)
// gives the log a new file, and then has a snapshot made, behind which nothing that the failed file lacks matters;
// healed() ends the failure. Meanwhile with kAlways mutations are refused and waiting replies give up; with the others
// mutations go on, and the figures say that they are not on disk.
//
// The keeper is one more thread: it makes segments before they are needed, and acts on failures. It is the caller's:
// see LogSet::keep().
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/base/limits.h"
#include "core/base/owner.h"
#include "core/store/journal.h"
#include "core/store/store.h"
#include "core/sync/low_mark.h"
#include "core/sync/single_writer.h"
#include "core/wal/record.h"
#include "core/wal/storage.h"

namespace sluice::wal {

enum class Fsync : uint8_t { kAlways, kInterval, kNever };

struct LogOptions {
  Fsync fsync = Fsync::kInterval;
  int64_t interval_ns = 1'000'000'000;  // of kInterval
  uint64_t segment_bytes = limits::kLogSegmentBytes;
  size_t buffer_bytes_max = limits::kLogBufferBytesMax;
};

// Upper bounds in seconds of the buckets of LogFigures::sync_seconds.
inline constexpr std::array<double, 12> kSyncBounds = {0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03,
                                                       0.1,    0.3,    1,     3,     10,   30};

// Of one log; any thread reads.
struct LogFigures {
  using Counter = sync::SingleWriter<uint64_t>;
  Counter records;
  Counter bytes;   // appended
  Counter writes;  // calls
  Counter syncs;
  std::array<Counter, kSyncBounds.size() + 1> sync_buckets;  // not cumulative; the last is above all bounds
  Counter sync_ns;
  Counter failures;  // of writes and syncs, and files that are gone
  Counter parked;    // mutations held up because the buffer was full
  Counter refused;
  Counter dropped;  // records that were not written because the log had failed
  Counter segments;
};

struct Segment {
  std::unique_ptr<File> file;
  FileHeader header;
};

class Log;

class LogSet {
 public:
  // `first_sequence`: above those of all segments in `storage`. The store must outlive it.
  LogSet(Storage& storage, store::Store& store, LogOptions options, uint32_t logs, uint64_t first_sequence);
  ~LogSet();
  LogSet(const LogSet&) = delete;
  LogSet& operator=(const LogSet&) = delete;

  [[nodiscard]] const LogOptions& options() const noexcept { return options_; }
  [[nodiscard]] uint32_t size() const noexcept { return static_cast<uint32_t>(logs_.size()); }
  [[nodiscard]] Log& log(uint32_t index) noexcept { return *logs_[index]; }
  [[nodiscard]] const Log& log(uint32_t index) const noexcept { return *logs_[index]; }

  // Any thread. Whether a reply that depends on a mutation with this stamp, or on having seen it, may leave.
  enum class Acknowledged : uint8_t { kYes, kNotYet, kNever };
  [[nodiscard]] Acknowledged acknowledged(uint64_t stamp) const noexcept;
  [[nodiscard]] bool is_written(uint64_t stamp) const noexcept;
  [[nodiscard]] bool is_durable(uint64_t stamp) const noexcept;
  // Some log has failed and is not healed.
  [[nodiscard]] bool failed() const noexcept;

  // ---- The keeper's -----------------------------------------------------------------------------------------------
  // Makes the segments that logs will want; the error, one sentence, when one could not be made: tried again at the
  // next call. To be called when `wake` was called, and now and then.
  [[nodiscard]] Result<void, std::string> keep();
  // Every log that has failed writes to a new file: a snapshot that begins now ends the failure.
  [[nodiscard]] bool wants_snapshot() const noexcept;
  // Before any mutation: what was published up to `stamp` may be in no file that lasts. As after a failure, a snapshot
  // that begins now ends that, and with kAlways mutations are refused until then.
  void distrust(uint64_t stamp) noexcept;
  // A snapshot whose W is `stamp` is durable. 0: what such a one held may be gone.
  void healed(uint64_t stamp) noexcept { healed_.set(stamp); }
  // The file that this log writes to is gone: it fails when it next flushes or a sync of it is done, unless a snapshot
  // (healed()) holds all that it has taken by then.
  void lose(uint32_t index) noexcept;
  // The whole directory is gone (or is not, any more): meanwhile with Fsync::kAlways every mutation is refused,
  // failed() is true, and keep() is not to be called.
  void set_gone(bool gone) noexcept { gone_.set(gone ? 1 : 0); }
  // Each log's present segment. All records of earlier segments have stamps that were drawn before the call.
  [[nodiscard]] std::vector<uint64_t> present_sequences() const;
  // Removes the segments that were made and are not in use: at the end, or because one of them may be gone.
  void remove_unused();
  // Lets go of them, and leaves the files: they are another process's now.
  void forget_unused();
  // Bytes, and changes, that the logs have appended since the start.
  [[nodiscard]] uint64_t bytes() const noexcept;
  [[nodiscard]] uint64_t records() const noexcept;

  // Called on a worker's thread when keep() has something to do. Set before the workers start.
  void set_wake(void (*call)(void*), void* context) noexcept {
    wake_ = call;
    wake_context_ = context;
  }

 private:
  friend class Log;
  void wake() const noexcept {
    if (wake_ != nullptr) wake_(wake_context_);
  }
  [[nodiscard]] Result<std::unique_ptr<Segment>, int> make_segment(uint32_t worker);

  Storage& storage_;
  store::Store& store_;
  const LogOptions options_;
  std::vector<std::unique_ptr<Log>> logs_;
  uint64_t next_sequence_;  // the keeper's
  sync::Published healed_;
  sync::Published gone_;
  void (*wake_)(void*) = nullptr;
  void* wake_context_ = nullptr;
};

class Log final : public store::Journal {
 public:
  explicit Log(LogSet& set) : set_(set) {}

  [[nodiscard]] Verdict begin(size_t bytes) noexcept override;
  void append(const store::Change& change) noexcept override;
  void abandon() noexcept override;

  // Once a turn, and where replies wait for it.
  void flush() noexcept;
  // The file to sync; nullptr when none is due or one is in flight. Whoever starts it says so; the file stays until
  // sync_done().
  [[nodiscard]] File* wants_sync(int64_t now_ns) noexcept;
  void sync_started(int64_t now_ns) noexcept;
  // `error`: 0 or a number of errno.
  void sync_done(int error, int64_t now_ns) noexcept;
  // When wants_sync() may have something to say without anything happening before; INT64_MAX for never.
  [[nodiscard]] int64_t next_sync_ns() const noexcept;
  [[nodiscard]] bool sync_in_flight() const noexcept { return in_flight_; }
  // The worker ends before its sync: nothing is known of it.
  void forget_sync() noexcept;
  // A write or a sync has failed, and no snapshot has made up for it yet.
  [[nodiscard]] bool failed() const noexcept { return state() != State::kGood; }

  // Any thread: its file is gone, and it has yet to act on that.
  [[nodiscard]] bool lost() const noexcept { return lost_.get() != 0 && lost_.get() == sequence_.get(); }

  // The end: writes and syncs what is left, and lets go of the segment, on whatever thread has the log then. No sync is
  // in flight. False when that failed.
  [[nodiscard]] bool finish() noexcept;

  [[nodiscard]] const LogFigures& figures() const noexcept { return figures_; }

 private:
  friend class LogSet;
  enum class State : uint8_t {
    kGood,
    kBroken,   // has no file
    kMending,  // has a new file, and waits for a snapshot
  };

  [[nodiscard]] State state() const noexcept { return static_cast<State>(state_.get()); }
  void set_state(State state) noexcept { state_.set(static_cast<uint64_t>(state)); }
  [[nodiscard]] bool take_segment() noexcept;
  [[nodiscard]] bool rotate() noexcept;
  [[nodiscard]] bool leave_lost() noexcept;
  void fail() noexcept;
  void mend() noexcept;
  void write() noexcept;
  void raise_marks() noexcept;
  void count_sync(int64_t took_ns) noexcept;
  // Sees to it that the change may be written as numbers of a pattern: puts that into the buffer where the segment has
  // not got it yet. False: it has to be written whole.
  [[nodiscard]] bool refer_to_pattern(const store::Change& change);
  // The buffer goes to a segment that has no patterns: those that it refers to before it.
  void bring_patterns();

  LogSet& set_;
  [[no_unique_address]] ThreadOwner owner_;
  sync::LowMark written_;  // what may not be written
  sync::LowMark durable_;  // what may not be durable
  sync::Published state_;
  sync::Published sequence_;
  sync::Published lost_;  // the sequence of a segment that is gone; 0: none is
  sync::HandOver<Segment> next_;

  std::unique_ptr<Segment> segment_;
  std::unique_ptr<Segment> doomed_;  // while its sync is in flight
  uint64_t end_ = 0;                 // of the segment
  DurableMark mark_;                 // up to where it is durable, and the one before
  uint64_t syncing_end_ = 0;
  std::string buffer_;
  // Of the present segment, by CanonicalPush::list: empty for one that came once, else its records. A pattern is
  // written when it comes again.
  std::unordered_map<uint64_t, std::string> patterns_;
  // That the buffer refers to, and whether they stand in it.
  struct Referred {
    uint64_t number = 0;
    bool brought = false;
  };
  std::vector<Referred> buffer_patterns_;
  // Bounds below the stamps in the buffer, of what was written since the last sync began, and of what is being synced.
  uint64_t buffer_first_ = sync::LowMark::kNone;
  uint64_t unsynced_first_ = sync::LowMark::kNone;
  uint64_t syncing_first_ = sync::LowMark::kNone;
  uint64_t last_ = 0;          // stamp of the newest change
  uint64_t mending_from_ = 0;  // stamps up to this may be in no file
  bool in_flight_ = false;
  int64_t last_sync_ns_ = 0;
  LogFigures figures_;
};

}  // namespace sluice::wal
