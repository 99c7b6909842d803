// Looks at every group where it lies, without a snapshot: for lists and searches, which may be held up by their client
// for any time and must pin nothing.
//
// What a walk shows: each group that is there for the whole walk once, in the version that is current when the walk
// comes by; groups that come or go meanwhile at most once. So every mutation that was done before start() is seen, but
// the groups together are no point in time. Writers never wait for it, and it holds nothing between two steps.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "core/base/clock.h"
#include "core/model/version.h"
#include "core/store/ops.h"

namespace sluice::store {

class GroupWalker;

// Between which groups a walk looks at the clock.
enum class WalkPace : uint8_t {
  kBucket,  // of the map, some eight groups: for visitors that take microseconds
  kGroup,   // for those that may take longer
};

// Valid during the call that it is handed to.
struct GroupView {
  std::string_view key;  // GroupKey::bytes()
  uint64_t hash;         // keyed: for tables of this process, never shown
  uint64_t stable_hash;  // the id that is shown
  const model::Version& version;
};

// Stepped like the other operations (ops.h), never parks. O(groups), about 0.3 us each, and what the visitor takes;
// with WalkPace::kGroup half as much again.
class GroupWalk {
 public:
  using Visitor = std::function<void(const GroupView&)>;

  GroupWalk() noexcept;
  ~GroupWalk();
  GroupWalk(const GroupWalk&) = delete;
  GroupWalk& operator=(const GroupWalk&) = delete;

  void start(Writer& writer, WalkPace pace = WalkPace::kBucket);
  // Calls `visit` for the groups of at least one bucket, or for at least one group.
  [[nodiscard]] StepResult step(Deadline deadline, const Visitor& visit);

 private:
  std::unique_ptr<GroupWalker> walker_;
};

// Keeps one version readable across quiescent points, on the thread of its writer, which outlives it. The memory of at
// most one version is held, like that of a snapshot.
class VersionHold {
 public:
  VersionHold() noexcept = default;
  // `version` may be read at the moment of the call.
  VersionHold(Writer& writer, const model::Version& version) noexcept;
  VersionHold(VersionHold&& other) noexcept;
  VersionHold& operator=(VersionHold&& other) noexcept;
  ~VersionHold();

  [[nodiscard]] explicit operator bool() const noexcept { return version_ != nullptr; }
  [[nodiscard]] const model::Version& operator*() const noexcept { return *version_; }
  [[nodiscard]] const model::Version* operator->() const noexcept { return version_; }

 private:
  Writer* writer_ = nullptr;
  const model::Version* version_ = nullptr;
};

}  // namespace sluice::store
