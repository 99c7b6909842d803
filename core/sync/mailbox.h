// Rare messages between threads: many senders, one receiver.
//
// Invariants: messages are in the stack, newest first, or on the receiver's own list, oldest first. Progress: post is
// lock-free, take is wait-free but for reversing what arrived. Linearization: (1) and (2). Reclamation: none; a message
// belongs to the mailbox from post to take, and to the receiver afterwards.
#pragma once

#include "core/base/check.h"
#include "core/base/owner.h"
#include "core/sync/atomics.h"

namespace sluice::sync {

// Base of a message.
struct Mail {
  Mail* next_mail = nullptr;
};

// What it is: an intrusive queue of messages derived from Mail, with a hook that wakes the receiver. Owned by the
// receiver, outlives its senders. Threads: anybody posts, the receiver takes. Limits: none of its own; a sender that
// may flood bounds its messages itself, by owning a fixed number of them. Order: one sender's messages arrive in order.
// Never fails. The receiver must take all before it destroys the mailbox (checked).
template <typename Message, typename Atomics = StdAtomics>
class Mailbox {
 public:
  // Runs on the sender's thread when the mailbox stops being empty, after the message is visible. Writing to an eventfd
  // that the receiver's ring reads is enough: it stays signalled, so a wake-up is never lost.
  using WakeFunction = void (*)(void* context);

  explicit Mailbox(WakeFunction wake = nullptr, void* context = nullptr) noexcept : wake_(wake), context_(context) {}
  ~Mailbox() {
    SLUICE_CHECK(arrived_.load(std::memory_order_acquire) == nullptr && taken_ == nullptr);  // Acquire, pairs with (1).
  }
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;

  void post(Message* message) noexcept {
    Mail* mail = message;
    Mail* head = arrived_.load(std::memory_order_relaxed);  // Relaxed: the exchange below checks it.
    do {
      mail->next_mail = head;
      // (1) release on success, pairs with (2): publishes the message and, through the chain, those below it.
    } while (!arrived_.compare_exchange_strong(head, mail, std::memory_order_release, std::memory_order_relaxed));
    if (head == nullptr && wake_ != nullptr) wake_(context_);
  }

  // The oldest message, nullptr when there is none.
  [[nodiscard]] Message* take() noexcept {
    SLUICE_DCHECK_OWNER(owner_);
    if (taken_ == nullptr) collect();
    Mail* mail = taken_;
    if (mail == nullptr) return nullptr;
    taken_ = mail->next_mail;
    mail->next_mail = nullptr;
    return static_cast<Message*>(mail);
  }

 private:
  void collect() noexcept {
    if (arrived_.load(std::memory_order_relaxed) == nullptr) return;  // Relaxed: a hint; the hook tells when to look.
    // (2) acquire exchange, pairs with (1): the messages' content.
    Mail* newest = arrived_.exchange(nullptr, std::memory_order_acquire);
    while (newest != nullptr) {
      Mail* older = newest->next_mail;
      newest->next_mail = taken_;
      taken_ = newest;
      newest = older;
    }
  }

  // Fixed after construction.
  const WakeFunction wake_;
  void* const context_;
  // Shared, see (1) and (2).
  alignas(kCacheLineBytes) typename Atomics::template Atomic<Mail*> arrived_{nullptr};
  // Receiver only.
  alignas(kCacheLineBytes) Mail* taken_ = nullptr;
  [[no_unique_address]] ThreadOwner owner_;
};

}  // namespace sluice::sync
