// Reclamation against a plain account of who may still see what: several participants, snapshots and retirements in
// random order on one thread, printed seed. No object may be freed while somebody may look at it, and each must be
// freed once all have passed.
#include <gtest/gtest.h>

#include <iterator>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "core/sync/epochs.h"
#include "tests/core/sync/schedule.h"

namespace sluice::sync::testing {
namespace {

struct Tracked {
  uint64_t birth = 0;
  bool freed = false;
  std::set<size_t> readers;        // participants that have not been quiescent since it was retired
  std::set<SnapshotId> snapshots;  // that were open then, and may have seen it
  static void free(void* object, void* /*context*/) {
    auto* self = static_cast<Tracked*>(object);
    EXPECT_FALSE(self->freed);
    EXPECT_TRUE(self->readers.empty());
    EXPECT_TRUE(self->snapshots.empty());
    self->freed = true;
  }
};

class ReclamationRun {
 public:
  explicit ReclamationRun(uint64_t seed) : random_(seed) {
    for (size_t i = 0; i < kParticipants; ++i) members_.push_back(std::make_unique<Member>(epochs_));
  }

  void go() {
    for (int i = 0; i < 2000 && !::testing::Test::HasFailure(); ++i) step();
    while (!open_.empty()) close(open_.begin()->first, 0);
    for (int round = 0; round < 6; ++round) {
      for (size_t i = 0; i < kParticipants; ++i) {
        if (members_[i]->online()) quiescent(i);
        members_[i]->participant.reclaim(100'000);
      }
    }
    for (const auto& object : objects_) EXPECT_TRUE(object->freed);
    EXPECT_EQ(epochs_.retired(), 0u);
    EXPECT_EQ(epochs_.snapshots().pinned(), 0u);
  }

 private:
  static constexpr size_t kParticipants = 4;
  struct Member {
    explicit Member(Epochs& epochs) : participant(epochs) {}
    [[nodiscard]] bool online() const { return participant.is_online(); }
    Epochs::Participant participant;
  };

  void quiescent(size_t who) {
    for (const auto& object : objects_) object->readers.erase(who);
    members_[who]->participant.quiescent();
  }

  void close(SnapshotId id, size_t who) {
    for (const auto& object : objects_) object->snapshots.erase(id);
    members_[who]->participant.close_snapshot(id);
    open_.erase(id);
  }

  void step() {
    const size_t who = random_.below(kParticipants);
    Member& member = *members_[who];
    if (!member.online()) {
      member.participant.online();
      return;
    }
    switch (random_.below(8)) {
      case 0:
      case 1:
      case 2:
        retire(member);
        break;
      case 3:
        quiescent(who);
        break;
      case 4:
        member.participant.reclaim(random_.below(10));
        break;
      case 5:
        if (const auto id = member.participant.open_snapshot()) open_[*id] = SnapshotList<StdAtomics>::kWalking;
        break;
      case 6:
        bound_or_close(who);
        break;
      default:
        for (const auto& object : objects_) object->readers.erase(who);
        member.participant.offline();
    }
  }

  void retire(Member& member) {
    auto& object = objects_.emplace_back(std::make_unique<Tracked>());
    object->birth = 1 + random_.below(stamp_ += 1);
    for (size_t i = 0; i < kParticipants; ++i) {
      if (members_[i]->online()) object->readers.insert(i);
    }
    for (const auto& [id, bound] : open_) {
      if (object->birth <= bound) object->snapshots.insert(id);
    }
    member.participant.retire(object.get(), &Tracked::free, object->birth);
  }

  void bound_or_close(size_t who) {
    if (open_.empty()) return;
    auto& [id, bound] = *std::next(open_.begin(), static_cast<ptrdiff_t>(random_.below(open_.size())));
    if (bound != SnapshotList<StdAtomics>::kWalking) return close(id, who);
    bound = stamp_ == 0 ? 1 : stamp_;
    members_[who]->participant.set_bound(id, bound);
  }

  Random random_;
  Epochs epochs_;
  std::vector<std::unique_ptr<Tracked>> objects_;
  std::map<SnapshotId, uint64_t> open_;
  uint64_t stamp_ = 0;
  std::vector<std::unique_ptr<Member>> members_;
};

TEST(EpochsModel, NothingIsFreedEarlyAndEverythingInTheEnd) {
  for_each_seed(40, [](uint64_t seed) { ReclamationRun(seed).go(); });
}

}  // namespace
}  // namespace sluice::sync::testing
