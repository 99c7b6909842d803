#include "core/store/group_walk.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "core/base/check.h"
#include "core/store/store_core.h"

namespace sluice::store {

class GroupWalker {
 public:
  GroupWalker(WriterCore& writer, WalkPace pace) : writer_(writer), pace_(pace) {}

  [[nodiscard]] StepResult step(Deadline deadline, const GroupWalk::Visitor& visit) {
    SLUICE_DCHECK_OWNER(writer_.owner);
    while (shard_ != GroupMap::shard_count()) {
      found_.clear();
      const bool done = writer_.store.groups.walk_shard(shard_, cursor_, 1, writer_.participant, [&](Group& group) {
        if (pace_ == WalkPace::kGroup) return found_.push_back(&group);
        visit_one(group, visit);
      });
      if (!visit_found(deadline, visit)) return StepResult::kAgain;
      if (done) {
        ++shard_;
        cursor_.reset();
      }
      if (shard_ != GroupMap::shard_count() && deadline.passed()) return StepResult::kAgain;
    }
    return StepResult::kDone;
  }

 private:
  static void visit_one(const Group& group, const GroupWalk::Visitor& visit) {
    const model::Version* version = group.cell.current();
    if (version == nullptr || version == Group::Cell::dead()) return;
    visit({group.key(), group.hash(), group.stable_hash(), *version});
  }

  // In the order of the cursor. False: the time was over before the last, and the cursor stands behind the one that was
  // visited.
  [[nodiscard]] bool visit_found(Deadline deadline, const GroupWalk::Visitor& visit) {
    std::ranges::sort(found_, {}, [](const Group* group) { return GroupMap::position_of(group->hash()); });
    for (size_t i = 0; i < found_.size(); ++i) {
      visit_one(*found_[i], visit);
      const uint64_t at = GroupMap::position_of(found_[i]->hash());
      if (i + 1 == found_.size() || GroupMap::position_of(found_[i + 1]->hash()) == at || !deadline.passed()) continue;
      cursor_.position = at + 1;
      cursor_.done = false;
      return false;
    }
    return true;
  }

  WriterCore& writer_;
  const WalkPace pace_;
  std::vector<const Group*> found_;  // of one bucket
  size_t shard_ = 0;
  map::WalkCursor<Group> cursor_;
};

GroupWalk::GroupWalk() noexcept = default;
GroupWalk::~GroupWalk() = default;

void GroupWalk::start(Writer& writer, WalkPace pace) { walker_ = std::make_unique<GroupWalker>(writer.core(), pace); }

StepResult GroupWalk::step(Deadline deadline, const Visitor& visit) {
  SLUICE_CHECK(walker_ != nullptr);
  return walker_->step(deadline, visit);
}

VersionHold::VersionHold(Writer& writer, const model::Version& version) noexcept
    : writer_(&writer), version_(&version) {
  writer.core().hold(version);
}

VersionHold::VersionHold(VersionHold&& other) noexcept
    : writer_(other.writer_), version_(std::exchange(other.version_, nullptr)) {}

VersionHold& VersionHold::operator=(VersionHold&& other) noexcept {
  std::swap(writer_, other.writer_);
  std::swap(version_, other.version_);
  return *this;
}

VersionHold::~VersionHold() {
  if (version_ != nullptr) writer_->core().release(*version_);
}

}  // namespace sluice::store
