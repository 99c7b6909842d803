#include "tests/core/sync/schedule.h"

#include <gtest/gtest.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <utility>

#include "core/base/check.h"

namespace sluice::sync::testing {

thread_local Schedule* Schedule::current_ = nullptr;

Random::Random(uint64_t seed) noexcept : state_(seed + 0x9e3779b97f4a7c15ull) {
  state_ = (state_ ^ (state_ >> 30)) * 0xbf58476d1ce4e5b9ull;
  state_ = (state_ ^ (state_ >> 27)) * 0x94d049bb133111ebull;
  state_ ^= state_ >> 31;
  if (state_ == 0) state_ = 1;
}

uint64_t Random::next() noexcept {
  state_ ^= state_ >> 12;
  state_ ^= state_ << 25;
  state_ ^= state_ >> 27;
  return (state_ * 0x2545f4914f6cdd1dull) >> 16;
}

Schedule::Schedule(uint64_t seed) : random_(seed) {
  switch_one_in_ = uint64_t{1} << random_.below(5);
  // From "almost at once" to "long after": short delays find little, and only long ones would starve nobody but hide
  // what needs a store to land in the middle.
  drain_one_in_ = uint64_t{1} << random_.below(8);
}

Schedule::~Schedule() { SLUICE_CHECK(current_ == nullptr); }

size_t Schedule::spawn(std::function<void()> body) {
  auto task = std::make_unique<Task>();
  Task* raw = task.get();
  task->fiber = std::make_unique<Fiber>(std::move(body), [this, raw] {
    raw->ended = true;
    switch_to(pick());
  });
  tasks_.push_back(std::move(task));
  return tasks_.size() - 1;
}

Schedule::Task* Schedule::pick() noexcept {
  if (exhausted_) return nullptr;
  const auto can_run = [](const Task& task) { return !task.ended && !task.frozen; };
  if (only_ != nullptr) return can_run(*only_) ? only_ : nullptr;
  size_t runnable = 0;
  for (const auto& task : tasks_) runnable += can_run(*task) ? 1 : 0;
  if (runnable == 0) return nullptr;
  size_t index = random_.below(runnable);
  for (const auto& task : tasks_) {
    if (can_run(*task) && index-- == 0) return task.get();
  }
  return nullptr;
}

void Schedule::switch_to(Task* task) {
  if (task == running_) return;
  Task* from = running_;
  Fiber& leaving = from == nullptr ? main_ : *from->fiber;
  Fiber& entering = task == nullptr ? main_ : *task->fiber;
  running_ = task;
  ++switches_;
  entering.switch_from(leaving, from != nullptr && from->ended);
}

bool Schedule::run_loop() {
  SLUICE_CHECK(current_ == nullptr);
  current_ = this;
  if (Task* first = pick()) switch_to(first);
  current_ = nullptr;
  for (const auto& task : tasks_) {
    while (!task->buffer.empty()) commit_oldest(*task);
  }
  return !exhausted_;
}

bool Schedule::run() { return run_loop(); }

bool Schedule::run_only(size_t fiber) {
  only_ = tasks_[fiber].get();
  const bool ok = run_loop();
  only_ = nullptr;
  return ok;
}

void Schedule::thaw() noexcept {
  for (const auto& task : tasks_) {
    task->frozen = false;
    task->freeze_at = 0;
  }
}

void Schedule::step() {
  Task& task = *running_;
  ++task.steps;
  if (++total_steps_ > steps_max_) {
    exhausted_ = true;
    switch_to(nullptr);
  }
  if (task.steps == task.freeze_at) {
    task.frozen = true;
    switch_to(pick());
  }
  if (random_.one_in(drain_one_in_)) drain_somebody();
  if (random_.one_in(switch_one_in_)) switch_to(pick());
}

void Schedule::drain_somebody() {
  size_t waiting = 0;
  for (const auto& task : tasks_) waiting += task->buffer.empty() ? 0 : 1;
  if (waiting == 0) return;
  size_t index = random_.below(waiting);
  for (const auto& task : tasks_) {
    if (!task->buffer.empty() && index-- == 0) {
      commit_oldest(*task);
      return;
    }
  }
}

void Schedule::commit_oldest(Task& task) {
  *task.buffer.front().cell = task.buffer.front().value;
  task.buffer.pop_front();
}

uint64_t Schedule::load(const uint64_t* cell) const {
  const auto& buffer = running_->buffer;
  for (auto store = buffer.rbegin(); store != buffer.rend(); ++store) {
    if (store->cell == cell) return store->value;
  }
  return *cell;
}

void Schedule::store(uint64_t* cell, uint64_t value, bool at_once) {
  if (at_once) {
    drain_own();
    *cell = value;
    return;
  }
  constexpr size_t kBufferMax = 42;  // About what current cores have.
  if (running_->buffer.size() == kBufferMax) commit_oldest(*running_);
  running_->buffer.push_back({cell, value});
}

void Schedule::drain_own() {
  while (!running_->buffer.empty()) commit_oldest(*running_);
}

// The memory is given back. Our own stores come first; somebody else's, still on their way, would land in memory that
// is no longer theirs: the protocol under test let the object go too early.
void Schedule::forget(const uint64_t* cell) {
  drain_own();
  for (const auto& task : tasks_) {
    for (const Store& store : task->buffer) SLUICE_CHECK(store.cell != cell && "store to a destroyed atomic");
  }
}

namespace {

uint64_t seed_running = 0;

void print_seed(int signal) {
  char line[64];
  const int length =
      std::snprintf(line, sizeof line, "\nSLUICE_SEED=%llu\n", static_cast<unsigned long long>(seed_running));
  std::fwrite(line, 1, static_cast<size_t>(length), stderr);
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

uint64_t number_from_environment(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

}  // namespace

void for_each_seed(uint64_t count, const std::function<void(uint64_t seed)>& body) {
  std::signal(SIGABRT, print_seed);
  const uint64_t only = number_from_environment("SLUICE_SEED", 0);
  const uint64_t base = only != 0 ? only : (std::random_device{}() % 1'000'000'000ull) * 1'000'000 + 1;
  const uint64_t fewer = kSlowdown > 1 ? 5 : 1;
  count = only != 0 ? 1 : (count * number_from_environment("SLUICE_SEEDS", 1) + fewer - 1) / fewer;
  std::printf("seeds %llu to %llu\n", static_cast<unsigned long long>(base),
              static_cast<unsigned long long>(base + count - 1));
  std::fflush(stdout);
  for (uint64_t seed = base; seed < base + count; ++seed) {
    seed_running = seed;
    body(seed);
    if (::testing::Test::HasFailure()) {
      std::printf("failed: SLUICE_SEED=%llu\n", static_cast<unsigned long long>(seed));
      return;
    }
  }
}

}  // namespace sluice::sync::testing
