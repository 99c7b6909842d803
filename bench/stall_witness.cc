// A process that notices when cores stand still: on each it sleeps for half a millisecond, again and again, with
// real-time priority, and keeps when it woke late. On a virtual machine that is the host's doing, since nothing else
// here may keep it waiting. For the latency rows of bench/compare and bench/hostile, which leave out what was under way
// meanwhile.
//
//   stall_witness CORE...
//
// Prints "ready". At the end of its standard input, or after ten minutes, a line "CORE BEGIN END" for each pause: BEGIN
// is when it should have woken, END when it did, in ns of the monotonic clock. Exit code 3: real-time priority was
// refused.
#include <fmt/format.h>
#include <poll.h>
#include <sched.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <thread>
#include <vector>

#include "core/base/clock.h"

namespace sluice::bench {
namespace {

constexpr int64_t kPeriodNs = 500'000;
// A wake-up takes some microseconds, behind work of the kernel that cannot be interrupted some tens.
constexpr int64_t kLateNs = 300'000;
constexpr int kLongestMs = 600'000;
constexpr size_t kPausesMax = 1'000'000;
constexpr int kPriority = 50;

struct Pause {
  int64_t begin_ns;
  int64_t end_ns;
};

struct Watch {
  int core = 0;
  bool allowed = false;
  std::vector<Pause> pauses;
};

void sleep_until(int64_t at_ns) {
  const timespec at{at_ns / 1'000'000'000, at_ns % 1'000'000'000};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, nullptr) == EINTR) {
  }
}

void watch(Watch& watch, std::atomic<int>& begun, const std::atomic<bool>& ended) {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  CPU_SET(static_cast<size_t>(watch.core), &cores);
  const sched_param priority{kPriority};
  watch.allowed = sched_setaffinity(0, sizeof(cores), &cores) == 0 && sched_setscheduler(0, SCHED_FIFO, &priority) == 0;
  begun.fetch_add(1);
  int64_t next = monotonic_ns();
  while (watch.allowed && !ended.load(std::memory_order_relaxed) && watch.pauses.size() < kPausesMax) {
    next += kPeriodNs;
    sleep_until(next);
    const int64_t now = monotonic_ns();
    if (now - next <= kLateNs) continue;
    watch.pauses.push_back({next, now});
    next = now;
  }
}

int run(const std::vector<int>& cores) {
  std::vector<Watch> watches(cores.size());
  std::atomic<int> begun{0};
  std::atomic<bool> ended{false};
  std::vector<std::thread> threads;
  for (size_t i = 0; i < cores.size(); ++i) {
    watches[i].core = cores[i];
    threads.emplace_back([&, i] { watch(watches[i], begun, ended); });
  }
  while (begun.load() < static_cast<int>(cores.size())) std::this_thread::yield();
  bool allowed = true;
  for (const Watch& watch : watches) allowed = allowed && watch.allowed;
  if (allowed) {
    fmt::print("ready\n");
    std::fflush(stdout);
    pollfd input{STDIN_FILENO, POLLIN, 0};
    poll(&input, 1, kLongestMs);
  }
  ended = true;
  for (std::thread& thread : threads) thread.join();
  for (const Watch& watch : watches) {
    for (const Pause& pause : watch.pauses) fmt::print("{} {} {}\n", watch.core, pause.begin_ns, pause.end_ns);
  }
  return allowed ? 0 : 3;
}

}  // namespace
}  // namespace sluice::bench

int main(int count, char** values) {
  std::vector<int> cores;
  for (int i = 1; i < count; ++i) cores.push_back(std::atoi(values[i]));
  if (cores.empty()) {
    fmt::print(stderr, "usage: stall_witness CORE...\n");
    return 2;
  }
  return sluice::bench::run(cores);
}
