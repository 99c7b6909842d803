// Deadlines of connections: a hashed wheel. Arming and disarming are O(1) and allocate nothing, because nearly every
// deadline is disarmed before it is reached.
//
// Thread: the owning worker. A Timer lives inside its owner (a connection) and must be disarmed before that goes.
// Precision: kTickNs, never early. A deadline further away than one revolution stays in its slot and is looked at once
// a revolution.
#pragma once

#include <array>
#include <cstdint>

namespace sluice::net::loop {

class TimerWheel;

// What expires. The wheel disarms a timer before it calls on_timer, which may arm it again.
class Timer {
 public:
  Timer() = default;
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  virtual ~Timer() = default;
  virtual void on_timer(int64_t now_ns) = 0;
  [[nodiscard]] bool armed() const noexcept { return slot_ != kNowhere; }
  [[nodiscard]] int64_t deadline_ns() const noexcept { return at_ns_; }

 private:
  friend class TimerWheel;
  static constexpr uint16_t kNowhere = 0xffff;
  int64_t at_ns_ = 0;
  Timer* next_ = nullptr;
  Timer* previous_ = nullptr;
  uint16_t slot_ = kNowhere;
};

class TimerWheel {
 public:
  static constexpr int64_t kTickNs = 16'000'000;
  static constexpr uint16_t kSlots = 1024;  // a revolution of 16.4 s: most deadlines are nearer

  explicit TimerWheel(int64_t now_ns) noexcept : tick_(now_ns / kTickNs + 1) {}
  ~TimerWheel();
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;

  // Arms, or moves an armed timer. A deadline in the past expires in the next expire().
  void arm(Timer& timer, int64_t at_ns) noexcept;
  void disarm(Timer& timer) noexcept;
  // Calls on_timer of at most `count_max` timers whose deadline has passed; the rest keep for the next call. Returns
  // how many were called.
  uint32_t expire(int64_t now_ns, uint32_t count_max);
  // When expire() should be called next: never later than the first deadline's tick, perhaps whole revolutions earlier;
  // INT64_MIN when timers are due already, INT64_MAX when nothing is armed.
  [[nodiscard]] int64_t next_ns() const noexcept;
  [[nodiscard]] uint32_t armed() const noexcept { return armed_; }

 private:
  // Lists behind the slots: armed in the past, and expired but not called yet.
  static constexpr uint16_t kDue = kSlots;
  static constexpr uint16_t kFiring = kSlots + 1;

  void link(Timer& timer, uint16_t slot) noexcept;
  void unlink(Timer& timer) noexcept;
  void move(Timer& timer, uint16_t slot) noexcept;

  std::array<Timer*, kSlots + 2> slots_{};
  std::array<uint64_t, kSlots / 64> occupied_{};
  int64_t tick_;  // everything before this tick has expired
  uint32_t armed_ = 0;
};

}  // namespace sluice::net::loop
