#include "net/loop/timers.h"

#include <algorithm>
#include <bit>

#include "core/base/check.h"

namespace sluice::net::loop {

namespace {

constexpr int64_t tick_of(int64_t at_ns) noexcept {
  return at_ns / TimerWheel::kTickNs + (at_ns % TimerWheel::kTickNs > 0 ? 1 : 0);  // rounded up: never early
}

}  // namespace

TimerWheel::~TimerWheel() { SLUICE_CHECK(armed_ == 0); }

void TimerWheel::arm(Timer& timer, int64_t at_ns) noexcept {
  if (timer.armed()) disarm(timer);
  timer.at_ns_ = at_ns;
  const int64_t tick = tick_of(at_ns);
  link(timer, tick < tick_ ? kDue : static_cast<uint16_t>(tick % kSlots));
  ++armed_;
}

void TimerWheel::disarm(Timer& timer) noexcept {
  if (!timer.armed()) return;
  unlink(timer);
  --armed_;
}

uint32_t TimerWheel::expire(int64_t now_ns, uint32_t count_max) {
  const int64_t now_tick = now_ns / kTickNs;
  while (slots_[kDue] != nullptr) move(*slots_[kDue], kFiring);
  // After a long sleep every slot is looked at once, however many revolutions have passed.
  const int64_t first = std::max(tick_, now_tick - kSlots + 1);
  for (int64_t tick = first; tick <= now_tick && armed_ > 0; ++tick) {
    const auto slot = static_cast<uint16_t>(tick % kSlots);
    if (((occupied_[slot / 64] >> (slot % 64)) & 1) == 0) continue;
    for (Timer* timer = slots_[slot]; timer != nullptr;) {
      Timer* const next = timer->next_;
      if (tick_of(timer->at_ns_) <= now_tick) {
        move(*timer, kFiring);
      }
      timer = next;
    }
  }
  tick_ = std::max(tick_, now_tick + 1);
  // From a list of their own, so that on_timer may arm and disarm any timer: one that is due, or itself in the past.
  uint32_t called = 0;
  while (slots_[kFiring] != nullptr && called < count_max) {
    Timer& timer = *slots_[kFiring];
    disarm(timer);
    ++called;
    timer.on_timer(now_ns);
  }
  return called;
}

int64_t TimerWheel::next_ns() const noexcept {
  if (slots_[kDue] != nullptr || slots_[kFiring] != nullptr) return INT64_MIN;
  if (armed_ == 0) return INT64_MAX;
  const auto start = static_cast<unsigned>(tick_ % kSlots);
  for (unsigned ahead = 0; ahead < kSlots;) {
    const unsigned slot = (start + ahead) % kSlots;
    const uint64_t word = occupied_[slot / 64] >> (slot % 64);
    if (word == 0) {
      ahead += 64 - slot % 64;
      continue;
    }
    ahead += static_cast<unsigned>(std::countr_zero(word));
    return (tick_ + std::min<int64_t>(ahead, kSlots)) * kTickNs;
  }
  // Occupied only behind the start inside its own word: a whole revolution away.
  return (tick_ + kSlots) * kTickNs;
}

void TimerWheel::link(Timer& timer, uint16_t slot) noexcept {
  Timer*& head = slots_[slot];
  timer.slot_ = slot;
  timer.previous_ = nullptr;
  timer.next_ = head;
  if (head != nullptr) head->previous_ = &timer;
  head = &timer;
  if (slot < kSlots) occupied_[slot / 64] |= uint64_t{1} << (slot % 64);
}

void TimerWheel::move(Timer& timer, uint16_t slot) noexcept {
  unlink(timer);
  link(timer, slot);
}

void TimerWheel::unlink(Timer& timer) noexcept {
  const uint16_t slot = timer.slot_;
  if (timer.next_ != nullptr) timer.next_->previous_ = timer.previous_;
  if (timer.previous_ != nullptr) {
    timer.previous_->next_ = timer.next_;
  } else {
    SLUICE_DCHECK(slots_[slot] == &timer);
    slots_[slot] = timer.next_;
  }
  if (slot < kSlots && slots_[slot] == nullptr) occupied_[slot / 64] &= ~(uint64_t{1} << (slot % 64));
  timer.next_ = timer.previous_ = nullptr;
  timer.slot_ = Timer::kNowhere;
}

}  // namespace sluice::net::loop
