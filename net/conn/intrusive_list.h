// A doubly linked list whose links lie in its members: append and remove are O(1) and allocate nothing.
#pragma once

#include "core/base/check.h"

namespace sluice::net::conn {

// A member's place in one list. A member must be removed before it goes.
template <typename T>
struct Link {
  T* previous = nullptr;
  T* next = nullptr;
  bool linked = false;
};

template <typename T, Link<T> T::* kLink>
class IntrusiveList {
 public:
  IntrusiveList() = default;
  IntrusiveList(const IntrusiveList&) = delete;
  IntrusiveList& operator=(const IntrusiveList&) = delete;

  [[nodiscard]] T* front() const noexcept { return first_; }
  [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }
  [[nodiscard]] static bool contains(const T& item) noexcept { return (item.*kLink).linked; }

  void append(T& item) noexcept {
    Link<T>& link = item.*kLink;
    SLUICE_DCHECK(!link.linked);
    link = {last_, nullptr, true};
    (last_ == nullptr ? first_ : (last_->*kLink).next) = &item;
    last_ = &item;
  }
  // No effect when it is not in the list.
  void remove(T& item) noexcept {
    Link<T>& link = item.*kLink;
    if (!link.linked) return;
    (link.previous == nullptr ? first_ : (link.previous->*kLink).next) = link.next;
    (link.next == nullptr ? last_ : (link.next->*kLink).previous) = link.previous;
    link = {};
  }

 private:
  T* first_ = nullptr;
  T* last_ = nullptr;
};

}  // namespace sluice::net::conn
