// What this run has done to each of its groups, so that afterwards it can say which values a gateway may show.
//
// Every operation on a group takes the next sequence number, and the pushed values carry it. An acknowledged operation
// makes everything older impossible that had been answered when it was sent: so the value of a correct gateway lies
// between `floor` (last acknowledged) and `sent` (last sent). Operations that overlap may have happened in any order;
// two epochs a group bound the oldest one that is still in flight. An operation without an answer (a broken
// connection) may happen at any later time, so its epoch never ends and the floor stays where it was.
//
// One owner, one thread while the load runs; read by anyone afterwards. 36 bytes a group, every call O(1).
#pragma once

#include <cstdint>
#include <vector>

#include "core/base/check.h"

namespace sluice::tools::load {

// An operation in flight.
struct Operation {
  uint32_t sequence = 0;
  uint32_t floor = 0;  // what the group's floor becomes when it is acknowledged
  uint8_t epoch = 0;
};

// What a gateway may show of a group.
struct Allowed {
  uint32_t floor = 0;      // last acknowledged; 0 when nothing was
  uint32_t sent = 0;       // last sent
  bool absent = true;      // no series at all is right as well
  bool untouched = false;  // nothing was ever sent to it
};

class Groups {
 public:
  // `groups` slots. A slot is the home of one group after another: when its group is retired (churn), the next
  // generation of it is a group of another name.
  explicit Groups(uint64_t groups) : groups_(groups) {}

  [[nodiscard]] uint64_t size() const noexcept { return groups_.size(); }
  [[nodiscard]] uint32_t generation(uint64_t slot) const noexcept { return groups_[slot].generation; }
  // Something was sent to this generation, and nothing is in flight.
  [[nodiscard]] bool quiet(uint64_t slot) const noexcept;
  // A retiring group takes no further operations.
  [[nodiscard]] bool retiring(uint64_t slot) const noexcept { return groups_[slot].retiring; }

  [[nodiscard]] Operation begin_push(uint64_t slot) { return begin(groups_[slot]); }
  [[nodiscard]] Operation begin_delete(uint64_t slot);
  // The last operation of this generation: a DELETE of a quiet group.
  [[nodiscard]] Operation begin_retire(uint64_t slot);

  // Exactly one of these for each operation: it was done; it was refused and changed nothing; nobody knows.
  void acknowledged(uint64_t slot, const Operation& operation);
  void refused(uint64_t slot, const Operation& operation);
  void unknown(uint64_t slot) noexcept { groups_[slot].retiring = false; }

  [[nodiscard]] Allowed allowed(uint64_t slot) const noexcept;

  // Everything that allowed() depends on, to be kept in a file (ledger.h).
  struct Known {
    uint32_t generation = 0;
    uint32_t sent = 0;
    uint32_t floor = 0;
    uint32_t last_delete = 0;
  };
  [[nodiscard]] Known known(uint64_t slot) const noexcept;
  // Of a slot that has done nothing.
  void restore(uint64_t slot, const Known& known) noexcept;

 private:
  struct Group {
    uint32_t sent = 0;
    uint32_t floor = 0;
    uint32_t last_delete = 0;
    uint32_t generation = 0;
    uint32_t epoch_first[2] = {1, 1};  // the first sequence number of each epoch
    uint32_t in_flight[2] = {0, 0};    // of each epoch
    uint8_t epoch = 0;
    bool retiring = false;
  };
  [[nodiscard]] static Operation begin(Group& group);

  std::vector<Group> groups_;
};

}  // namespace sluice::tools::load
