// A retired object on its way to its free function, and chains of them. Plain data: who may touch a node is decided by
// the list that it is on (a participant's own lists, or a snapshot's list).
#pragma once

#include <cstdint>

namespace sluice::sync {

// Frees one object. Runs on the thread whose participant reclaims it, not necessarily on the one that retired it;
// `context` is that reclaiming participant's own context, so it may be used without synchronisation. Must not call back
// into the participant except for retire().
using FreeFunction = void (*)(void* object, void* context);

// Birth of an object that no snapshot can see (map tables, messages). Above every bound.
inline constexpr uint64_t kNoBirth = UINT64_MAX;

struct RetiredNode {
  RetiredNode* next = nullptr;        // within its chain
  RetiredNode* next_chain = nullptr;  // only in the head of a chain that waits in a ChainQueue
  void* object = nullptr;
  FreeFunction free = nullptr;
  uint64_t birth = kNoBirth;
  uint64_t token = 0;   // epoch at which the chain was sealed: the object was unpublished before it was drawn
  bool pinned = false;  // counted in the snapshot list's pinned()
};

// Chains of nodes, taken node by node. Adding a chain is O(1) without knowing its tail. A token in a chain's head holds
// for all nodes behind it that have none of their own (0), so that sealing a chain is O(1) too.
class ChainQueue {
 public:
  [[nodiscard]] bool empty() const noexcept { return chains_ == nullptr; }

  // Takes over a whole chain; an empty one is ignored.
  void add(RetiredNode* head) noexcept {
    if (head == nullptr) return;
    head->next_chain = chains_;
    chains_ = head;
  }

  // Takes one node out, nullptr when there is none.
  [[nodiscard]] RetiredNode* take() noexcept {
    RetiredNode* node = chains_;
    if (node == nullptr) return nullptr;
    RetiredNode* rest = node->next;
    if (rest != nullptr) {
      rest->next_chain = node->next_chain;
      if (rest->token == 0) rest->token = node->token;
      chains_ = rest;
    } else {
      chains_ = node->next_chain;
    }
    node->next = nullptr;
    node->next_chain = nullptr;
    return node;
  }

  // Takes a whole chain out, nullptr when there is none.
  [[nodiscard]] RetiredNode* take_chain() noexcept {
    RetiredNode* head = chains_;
    if (head != nullptr) chains_ = head->next_chain;
    return head;
  }

 private:
  RetiredNode* chains_ = nullptr;
};

}  // namespace sluice::sync
