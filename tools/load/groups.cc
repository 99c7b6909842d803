#include "tools/load/groups.h"

#include <algorithm>

namespace sluice::tools::load {

bool Groups::quiet(uint64_t slot) const noexcept {
  const Group& group = groups_[slot];
  return group.sent > 0 && group.in_flight[0] == 0 && group.in_flight[1] == 0 && !group.retiring;
}

Operation Groups::begin(Group& group) {
  SLUICE_CHECK(group.sent < UINT32_MAX);
  const uint32_t sequence = ++group.sent;
  const unsigned other = group.epoch ^ 1u;
  if (group.in_flight[other] == 0) {
    // Whatever is in flight belongs to the current epoch, so the other one can begin.
    group.epoch = static_cast<uint8_t>(other);
    group.epoch_first[other] = sequence;
  }
  const unsigned previous = group.epoch ^ 1u;
  ++group.in_flight[group.epoch];
  const uint32_t oldest = group.in_flight[previous] > 0 ? group.epoch_first[previous] : group.epoch_first[group.epoch];
  return {sequence, oldest, group.epoch};
}

Operation Groups::begin_delete(uint64_t slot) {
  Group& group = groups_[slot];
  const Operation operation = begin(group);
  group.last_delete = operation.sequence;
  return operation;
}

Operation Groups::begin_retire(uint64_t slot) {
  SLUICE_CHECK(quiet(slot));
  groups_[slot].retiring = true;
  return begin_delete(slot);
}

void Groups::acknowledged(uint64_t slot, const Operation& operation) {
  Group& group = groups_[slot];
  --group.in_flight[operation.epoch];
  group.floor = std::max(group.floor, operation.floor);
  if (!group.retiring) return;
  const uint32_t next = group.generation + 1;
  group = Group{};
  group.generation = next;
}

void Groups::refused(uint64_t slot, const Operation& operation) {
  Group& group = groups_[slot];
  --group.in_flight[operation.epoch];
  group.retiring = false;
}

Allowed Groups::allowed(uint64_t slot) const noexcept {
  const Group& group = groups_[slot];
  Allowed out;
  out.floor = group.floor;
  out.sent = group.sent;
  out.untouched = group.sent == 0;
  out.absent = group.floor == 0 || group.last_delete >= group.floor;
  return out;
}

Groups::Known Groups::known(uint64_t slot) const noexcept {
  const Group& group = groups_[slot];
  return {group.generation, group.sent, group.floor, group.last_delete};
}

void Groups::restore(uint64_t slot, const Known& known) noexcept {
  Group& group = groups_[slot];
  SLUICE_CHECK(group.sent == 0 && group.generation == 0);
  group.generation = known.generation;
  group.sent = known.sent;
  group.floor = known.floor;
  group.last_delete = known.last_delete;
}

}  // namespace sluice::tools::load
