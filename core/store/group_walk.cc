#include "core/store/group_walk.h"

#include <utility>

#include "core/base/check.h"
#include "core/store/store_core.h"

namespace sluice::store {

class GroupWalker {
 public:
  explicit GroupWalker(WriterCore& writer) : writer_(writer) {}

  [[nodiscard]] StepResult step(Deadline deadline, const GroupWalk::Visitor& visit) {
    SLUICE_DCHECK_OWNER(writer_.owner);
    while (shard_ != GroupMap::shard_count()) {
      const bool done = writer_.store.groups.walk_shard(shard_, cursor_, 1, writer_.participant, [&](Group& group) {
        const model::Version* version = group.cell.current();
        if (version == nullptr || version == Group::Cell::dead()) return;
        visit({group.key(), group.hash(), group.stable_hash(), *version});
      });
      if (done) {
        ++shard_;
        cursor_.reset();
      }
      if (shard_ != GroupMap::shard_count() && deadline.passed()) return StepResult::kAgain;
    }
    return StepResult::kDone;
  }

 private:
  WriterCore& writer_;
  size_t shard_ = 0;
  map::WalkCursor<Group> cursor_;
};

GroupWalk::GroupWalk() noexcept = default;
GroupWalk::~GroupWalk() = default;

void GroupWalk::start(Writer& writer) { walker_ = std::make_unique<GroupWalker>(writer.core()); }

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
