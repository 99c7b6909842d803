// The operations on the store, each a machine that is stepped until it is done.
//
// All of them: owned by the request that they serve, stepped by the thread of the Writer that they were started with,
// reusable after kDone. Destroying or cancelling one in the middle is allowed at any time (a connection died): then
// nothing of it has been published, and every lock and reference that it held is given back.
// Progress: a step makes some progress before its first look at the deadline, so kAgain ends under any deadline.
// kParked means that another thread, a grace period or the writer's journal must come first: step again in the next
// turn, after Writer::quiescent().
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "core/base/clock.h"
#include "core/base/limit_table.h"
#include "core/model/canonical.h"
#include "core/model/families.h"
#include "core/model/group_key.h"

namespace sluice::store {

class Writer;
class PushMachine;
class WipeMachine;
struct GroupView;

enum class StepResult : uint8_t {
  kDone,
  kAgain,   // the slice is used up
  kParked,  // waits for a grace period or a lock: others first
};

enum class PushStatus : uint8_t {
  kOk,
  kConflict,  // `conflict` says which; nothing was stored
  kLimit,     // `limit` says which; nothing was stored
  kRefused,   // by the writer's journal: it cannot be made durable; nothing was stored
};

// How much memory is left, as far as its owner knows.
enum class Pressure : uint8_t {
  kNone,
  kNoGrowth,    // a push that makes its group grow is refused with Limit::kMemory, but for the digits of numbers
  kShrinkOnly,  // so is one that does not make it smaller
  kStop,        // so is every one: a smaller version takes memory too while a scrape holds the one that it replaces
};

// What is pushed. Everything referred to must stay unchanged until the operation is done.
struct PushRequest {
  const model::GroupKey& key;
  const model::Families& parsed;     // `push` was made of it; its numbers are not looked at
  const model::CanonicalPush& push;  // consistent in itself; families sorted by name
  bool replace = false;              // PUT: all families of the group; else (POST) only those of the same name
  int64_t wall_ns = 0;               // becomes push_time_seconds
  // What may be reached: by default the store's. A push that does not grow what a limit is about passes.
  const limits::Values* limits = nullptr;
  Pressure pressure = Pressure::kNone;
};

struct PushResult {
  PushStatus status = PushStatus::kOk;
  std::optional<limits::Limit> limit;
  bool created = false;      // the group did not exist
  uint64_t stamp = 0;        // of the mutation, with kOk
  model::Conflict conflict;  // with kConflict: kTypeMismatch, kSuffixCollision or kDuplicateSeries
};

// PUT, POST and the failure time of a rejected push.
class PushOp {
 public:
  PushOp() noexcept = default;
  ~PushOp() { cancel(); }
  PushOp(const PushOp&) = delete;
  PushOp& operator=(const PushOp&) = delete;

  // Begins a push. The verdict compares with every other group, the version being replaced excluded.
  void start(Writer& writer, const PushRequest& request);
  // Begins to set push_failure_time_seconds of the group, which is created (push_time_seconds 0, no families) if it
  // does not exist; at a limit it is not. Never a conflict. `key` must stay unchanged until the operation is done.
  void start_fail(Writer& writer, const model::GroupKey& key, int64_t wall_ns, const limits::Values* values = nullptr,
                  Pressure pressure = Pressure::kNone);
  [[nodiscard]] StepResult step(Deadline deadline);
  // After kDone.
  [[nodiscard]] const PushResult& result() const noexcept { return result_; }
  void cancel() noexcept;

 private:
  PushMachine* machine_ = nullptr;  // lent by the writer from start to kDone
  PushResult result_;
};

struct EraseResult {
  enum class Status : uint8_t {
    kDone,
    kParked,   // by the writer's journal: again after Writer::quiescent()
    kRefused,  // by the journal: the group is as it was
  };
  Status status = Status::kDone;
  bool existed = false;
  uint64_t stamp = 0;  // of the mutation; of the last one that it saw when the group did not exist
};

// DELETE of one group. Done in one step, unless a journal has no room.
[[nodiscard]] EraseResult erase_group(Writer& writer, const model::GroupKey& key) noexcept;

// Deletes every group that has anything from before the start of the wipe, each by a mutation of its own: a group that
// was made or replaced since stays, one that a POST or a failed push changed does not. O(groups), sliced; a shard is
// walked again when the journal had no room.
class WipeOp {
 public:
  // Whether a group is to go, judged by the very version that would be deleted.
  using Filter = std::function<bool(const GroupView&)>;

  WipeOp() noexcept = default;
  ~WipeOp() { cancel(); }
  WipeOp(const WipeOp&) = delete;
  WipeOp& operator=(const WipeOp&) = delete;

  // Without a filter all groups go. At most `groups_max` are deleted.
  void start(Writer& writer, Filter filter = {}, uint64_t groups_max = UINT64_MAX);
  [[nodiscard]] StepResult step(Deadline deadline);
  // After kDone. The newest one at its end: nothing that it did or saw is newer, another's DELETE included.
  [[nodiscard]] uint64_t stamp() const noexcept { return stamp_; }
  [[nodiscard]] uint64_t groups() const noexcept { return groups_; }
  // By the journal, somewhere in the middle: groups that were not reached are as they were.
  [[nodiscard]] bool refused() const noexcept { return refused_; }
  void cancel() noexcept;

 private:
  WipeMachine* machine_ = nullptr;
  uint64_t stamp_ = 0;
  uint64_t groups_ = 0;
  bool refused_ = false;
};

}  // namespace sluice::store
