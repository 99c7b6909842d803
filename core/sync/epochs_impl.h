// The definitions of epochs.h. Included by it only.
#pragma once

#include <algorithm>
#include <new>

#include "core/sync/epochs.h"

namespace sluice::sync {

template <typename Atomics>
bool BasicEpochs<Atomics>::grace_passed(uint64_t token) noexcept {
  uint64_t passed = passed_.load(std::memory_order_acquire);  // (4) acquire load, pairs with (5).
  if (passed >= token) return true;
  const uint64_t oldest = oldest_seen();
  while (passed < oldest) {
    // (5) acq_rel, pairs with (4): hands on what the scan acquired. Acquire on failure as in (4).
    if (passed_.compare_exchange_strong(passed, oldest, std::memory_order_acq_rel, std::memory_order_acquire)) break;
  }
  return oldest >= token;
}

// The epoch up to which everybody has passed a quiescent point. The clock is read first: for every token up to it, a
// participant that joined before the token was drawn is seen online by the scan, and one that joins later cannot find
// what was unpublished before.
template <typename Atomics>
uint64_t BasicEpochs<Atomics>::oldest_seen() noexcept {
  uint64_t oldest = clock_.now();
  const uint32_t used = slots_used_.load(std::memory_order_acquire);  // (6) acquire load, pairs with (7).
  for (uint32_t i = 0; i < used; ++i) {
    // (8) acquire load, pairs with (9) and (10): the participant's reads come before the frees that follow.
    const uint64_t seen = slots_[i].seen.load(std::memory_order_acquire);
    if (seen != kOffline && seen < oldest) oldest = seen;
  }
  return oldest;
}

template <typename Atomics>
uint32_t BasicEpochs<Atomics>::claim_slot() noexcept {
  for (uint32_t i = 0; i < limits::kParticipantsMax; ++i) {
    uint32_t unclaimed = 0;
    // (11) acquire on success, pairs with (12): the former owner is done with the slot and its counters.
    if (!slots_[i].claimed.compare_exchange_strong(unclaimed, 1, std::memory_order_acquire,
                                                   std::memory_order_relaxed)) {
      continue;
    }
    uint32_t used = slots_used_.load(std::memory_order_relaxed);  // Relaxed: the exchange checks it.
    // (7) release, pairs with (6), and comes before this participant joins the clock.
    while (used < i + 1 &&
           !slots_used_.compare_exchange_strong(used, i + 1, std::memory_order_release, std::memory_order_relaxed)) {
    }
    return i;
  }
  SLUICE_CHECK(false && "more than kParticipantsMax threads");
  return 0;
}

template <typename Atomics>
void BasicEpochs<Atomics>::leave_orphans(RetiredNode* chain) noexcept {
  RetiredNode* head = orphans_.load(std::memory_order_relaxed);  // Relaxed: the exchange checks it.
  do {
    chain->next_chain = head;
    // (13) release, pairs with (14): the chain's nodes, and that their objects were unpublished.
  } while (!orphans_.compare_exchange_strong(head, chain, std::memory_order_release, std::memory_order_relaxed));
}

template <typename Atomics>
RetiredNode* BasicEpochs<Atomics>::take_orphans() noexcept {
  if (orphans_.load(std::memory_order_relaxed) == nullptr) return nullptr;  // Relaxed: a hint, asked again each turn.
  return orphans_.exchange(nullptr, std::memory_order_acquire);             // (14) acquire exchange, pairs with (13).
}

template <typename Atomics>
uint64_t BasicEpochs<Atomics>::retired() const noexcept {
  uint64_t freed = 0;
  uint64_t retired = 0;
  // Freed first, so that the difference does not fall below zero but for delayed stores. Relaxed: a figure.
  for (const Slot& slot : slots_) freed += slot.freed_objects.load(std::memory_order_relaxed);
  for (const Slot& slot : slots_) retired += slot.retired_objects.load(std::memory_order_relaxed);
  return retired > freed ? retired - freed : 0;
}

template <typename Atomics>
BasicEpochs<Atomics>::~BasicEpochs() {
  ChainQueue all;
  for (uint32_t i = 0; i < limits::kSnapshotsMax; ++i) all.add(snapshots_.abandon(SnapshotId{i}));
  for (RetiredNode* chain = take_orphans(); chain != nullptr;) {
    RetiredNode* next = chain->next_chain;
    all.add(chain);
    chain = next;
  }
  while (RetiredNode* node = all.take()) {
    node->free(node->object, nullptr);
    delete node;
  }
}

template <typename Atomics>
BasicEpochs<Atomics>::Participant::Participant(BasicEpochs& epochs, void* context) noexcept
    : epochs_(epochs), context_(context), index_(epochs.claim_slot()), slot_(epochs.slots_[index_]) {
  online();
}

template <typename Atomics>
BasicEpochs<Atomics>::Participant::~Participant() {
  SLUICE_DCHECK_OWNER(owner_);
  if (pending_ != nullptr) epochs_.leave_orphans(pending_);
  while (waiting_ != nullptr) {
    RetiredNode* next = waiting_->next_chain;
    epochs_.leave_orphans(waiting_);
    waiting_ = next;
  }
  while (RetiredNode* chain = ready_.take_chain()) epochs_.leave_orphans(chain);
  while (RetiredNode* node = spare_nodes_) {
    spare_nodes_ = node->next;
    delete node;
  }
  if (online_) offline();
  slot_.claimed.store(0, std::memory_order_release);  // (12) release store, pairs with (11).
}

template <typename Atomics>
void BasicEpochs<Atomics>::Participant::quiescent() noexcept {
  SLUICE_DCHECK_OWNER(owner_);
  SLUICE_DCHECK(online_);
  const uint64_t now = epochs_.clock_.now();
  // Relaxed: only this thread writes it. An epoch seen already says nothing new, and leaves the line alone.
  if (slot_.seen.load(std::memory_order_relaxed) == now) return;
  // (9) release store, pairs with (8): reads before this point are over.
  slot_.seen.store(now, std::memory_order_release);
}

template <typename Atomics>
void BasicEpochs<Atomics>::Participant::offline() noexcept {
  SLUICE_DCHECK_OWNER(owner_);
  SLUICE_DCHECK(online_);
  online_ = false;
  slot_.seen.store(kOffline, std::memory_order_release);  // (10) release store, pairs with (8).
}

template <typename Atomics>
void BasicEpochs<Atomics>::Participant::online() noexcept {
  SLUICE_DCHECK_OWNER(owner_);
  SLUICE_DCHECK(!online_);
  online_ = true;
  // Relaxed: published by join(). An epoch that is old by then only delays frees.
  slot_.seen.store(epochs_.clock_.now(), std::memory_order_relaxed);
  epochs_.clock_.join();
}

template <typename Atomics>
void BasicEpochs<Atomics>::Participant::retire(void* object, FreeFunction free, uint64_t birth_stamp) noexcept {
  SLUICE_DCHECK_OWNER(owner_);
  SLUICE_DCHECK(object != nullptr && free != nullptr);
  RetiredNode* node = new_node();
  node->object = object;
  node->free = free;
  node->birth = birth_stamp;
  node->next = pending_;
  pending_ = node;
  ++retired_since_reclaim_;
  count(slot_.retired_objects);
}

template <typename Atomics>
size_t BasicEpochs<Atomics>::Participant::reclaim_turn(size_t per_turn) noexcept {
  const size_t budget = std::max(per_turn, 2 * retired_since_reclaim_);
  retired_since_reclaim_ = 0;
  return reclaim(budget);
}

template <typename Atomics>
size_t BasicEpochs<Atomics>::Participant::reclaim(size_t objects_max) noexcept {
  SLUICE_DCHECK_OWNER(owner_);
  advance();
  size_t freed = 0;
  for (size_t taken = 0; taken < objects_max; ++taken) {
    RetiredNode* node = ready_.take();
    if (node == nullptr) break;
    epochs_.snapshots_.unpin(node);
    if (epochs_.snapshots_.place(node)) continue;
    node->free(node->object, context_);
    recycle(node);
    count(slot_.freed_objects);
    ++freed;
  }
  return freed;
}

// One seal at a time waits for its grace period; what is retired meanwhile gathers for the next. So an epoch is drawn
// once per grace period, not once per object or turn.
template <typename Atomics>
void BasicEpochs<Atomics>::Participant::advance() noexcept {
  if (waiting_ != nullptr) {
    if (!epochs_.grace_passed(waiting_token_)) return;
    while (waiting_ != nullptr) {
      RetiredNode* next = waiting_->next_chain;
      ready_.add(waiting_);
      waiting_ = next;
    }
  }
  RetiredNode* chains = epochs_.take_orphans();
  if (pending_ != nullptr) {
    pending_->next_chain = chains;
    chains = pending_;
    pending_ = nullptr;
  }
  if (chains == nullptr) return;
  waiting_token_ = epochs_.clock_.draw();
  waiting_ = chains;
  for (RetiredNode* chain = chains; chain != nullptr; chain = chain->next_chain) chain->token = waiting_token_;
}

template <typename Atomics>
std::optional<SnapshotId> BasicEpochs<Atomics>::Participant::open_snapshot() noexcept {
  SLUICE_DCHECK_OWNER(owner_);
  SLUICE_DCHECK(online_);
  return epochs_.snapshots_.open();
}

template <typename Atomics>
void BasicEpochs<Atomics>::Participant::close_snapshot(SnapshotId id) noexcept {
  SLUICE_DCHECK_OWNER(owner_);
  ready_.add(epochs_.snapshots_.close(id));
}

template <typename Atomics>
RetiredNode* BasicEpochs<Atomics>::Participant::new_node() noexcept {
  RetiredNode* node = spare_nodes_;
  if (node == nullptr) return new RetiredNode;
  spare_nodes_ = node->next;
  --spare_count_;
  *node = RetiredNode{};
  return node;
}

template <typename Atomics>
void BasicEpochs<Atomics>::Participant::recycle(RetiredNode* node) noexcept {
  if (spare_count_ >= limits::kRetiredNodesKept) {
    delete node;
    return;
  }
  node->next = spare_nodes_;
  spare_nodes_ = node;
  ++spare_count_;
}

}  // namespace sluice::sync
