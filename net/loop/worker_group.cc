#include "net/loop/worker_group.h"

#include <fmt/format.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include <condition_variable>
#include <cstring>
#include <mutex>
#include <thread>
#include <utility>

#include "core/base/check.h"
#include "net/loop/shared.h"
#include "net/loop/worker_core.h"

namespace sluice::net::loop {

namespace {

// Where all workers meet: every one makes its ring before any begins to accept (when one cannot, none begins), and
// every one has ended before any ring goes.
class Gate {
 public:
  explicit Gate(uint32_t workers) : waiting_for_(workers) {}

  // A worker is ready, or (with a problem) never will be. True when it may begin.
  bool arrive(const std::string& problem) {
    std::unique_lock lock(mutex_);
    if (problem_.empty()) problem_ = problem;
    if (--waiting_for_ == 0) changed_.notify_all();
    changed_.wait(lock, [this] { return waiting_for_ == 0; });
    return problem_.empty();
  }
  std::string wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return waiting_for_ == 0; });
    return problem_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  uint32_t waiting_for_;  // guarded by mutex_
  std::string problem_;   // guarded by mutex_
};

// Best effort: a mask that changed meanwhile is no reason not to run.
void pin_to(uint32_t index) noexcept {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0 || CPU_COUNT(&allowed) == 0) return;
  uint32_t skip = index % static_cast<uint32_t>(CPU_COUNT(&allowed));
  for (size_t cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &allowed) || skip-- > 0) continue;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    static_cast<void>(pthread_setaffinity_np(pthread_self(), sizeof(one), &one));
    return;
  }
}

// Signals are the main thread's: a worker must not be interrupted by them. Threads inherit the mask.
class SignalsBlocked {
 public:
  SignalsBlocked() noexcept {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_{};
};

}  // namespace

struct WorkerGroup::State {
  // Fixed after start().
  ring::Capabilities capabilities;
  WorkerOptions options;
  Listeners listeners;
  std::unique_ptr<Shared> shared;
  std::vector<std::unique_ptr<Service>> services;
  std::vector<std::unique_ptr<EpochHooks>> hooks;
  std::unique_ptr<Gate> gate;
  std::unique_ptr<Gate> end_gate;

  // Main thread.
  std::vector<std::thread> threads;
  std::vector<char> clean;  // each written by its worker's thread, read after join

  std::mutex mutex;
  bool running = false;         // guarded by mutex
  bool stop_requested = false;  // guarded by mutex

  void run_worker(uint32_t index);
};

// The thread of one worker. The ring lives and dies here: with SINGLE_ISSUER it belongs to one task.
void WorkerGroup::State::run_worker(uint32_t index) {
  if (options.pin) pin_to(index);
  std::string problem;
  auto ring = ring::make_ring(capabilities, options.ring);
  if (!ring) {
    problem = ring.error();
  } else if (const int enabled = (*ring)->enable(); enabled < 0) {
    problem = fmt::format("cannot enable the ring: {}", std::strerror(-enabled));
  } else {
    shared->peers[index]->ring = ring->get();
  }
  if (!gate->arrive(problem)) return;
  {
    WorkerCore core(index, {.connections_max = options.connections_max, .stop_bound_ns = options.stop_bound_ns},
                    *shared, **ring, *services[index], *hooks[index]);
    clean[index] = core.run(listeners) ? 1 : 0;
  }
  // Others may still post, and so wake this ring, until each has ended; request_stop() may still hold its lock.
  end_gate->arrive({});
  const std::lock_guard lock(mutex);
  // Nothing is left after a clean end; when connections were cut, one may have been on its way here.
  while (Message* message = shared->peers[index]->mailbox.take()) {
    if (message->kind == Message::Kind::kConnection) ::close(message->connection.socket);
    delete message;
  }
  // The service last: when connections were cut, operations may still point into its memory until the ring is gone.
  ring->reset();
  services[index].reset();
}

WorkerGroup::WorkerGroup() : state_(std::make_unique<State>()) {}

WorkerGroup::~WorkerGroup() {
  request_stop();
  join();
}

Result<void, std::string> WorkerGroup::start(const ring::Capabilities& capabilities, const WorkerOptions& options,
                                             Listeners listeners, const MakeService& make_service,
                                             const MakeHooks& make_hooks) {
  State& s = *state_;
  SLUICE_CHECK(s.threads.empty() && options.workers > 0);
  s.capabilities = capabilities;
  s.options = options;
  s.listeners = std::move(listeners);
  s.shared = std::make_unique<Shared>(options.workers);
  s.gate = std::make_unique<Gate>(options.workers);
  s.end_gate = std::make_unique<Gate>(options.workers);
  s.clean.assign(options.workers, 0);
  for (uint32_t i = 0; i < options.workers; ++i) {
    s.services.push_back(make_service(i));
    s.hooks.push_back(make_hooks ? make_hooks(i) : std::make_unique<EpochHooks>());
  }
  {
    const SignalsBlocked blocked;
    for (uint32_t i = 0; i < options.workers; ++i) {
      s.threads.emplace_back([&s, i] { s.run_worker(i); });
      pthread_setname_np(s.threads.back().native_handle(), fmt::format("sluice-{}", i).c_str());
    }
  }
  if (const std::string problem = s.gate->wait(); !problem.empty()) {
    for (std::thread& thread : s.threads) thread.join();
    s.threads.clear();
    s.listeners.close_all();
    return Unexpected<std::string>(problem);
  }
  s.listeners.release_all();
  const std::lock_guard lock(s.mutex);
  s.running = true;
  return {};
}

void WorkerGroup::request_stop() noexcept {
  State& s = *state_;
  const std::lock_guard lock(s.mutex);
  if (!s.running || s.stop_requested) return;
  s.stop_requested = true;
  for (const auto& peer : s.shared->peers) peer->mailbox.post(new Message);
}

bool WorkerGroup::join() {
  State& s = *state_;
  if (s.threads.empty()) return true;
  for (std::thread& thread : s.threads) thread.join();
  s.threads.clear();
  s.listeners.close_all();
  bool all_clean = true;
  for (const char clean : s.clean) all_clean = all_clean && clean != 0;
  return all_clean;
}

void WorkerGroup::call_help(uint32_t from) noexcept {
  const auto& peers = state_->shared->peers;
  for (size_t i = 1; i < peers.size(); ++i) {
    Peer& peer = *peers[(from + i) % peers.size()];
    if (peer.waits.get() == 0) continue;
    auto* message = new Message;
    message->kind = Message::Kind::kHelp;
    peer.mailbox.post(message);
    return;
  }
}

uint32_t WorkerGroup::workers() const noexcept { return state_->options.workers; }
const Listeners& WorkerGroup::listeners() const noexcept { return state_->listeners; }
TurnTimes::Reading WorkerGroup::turn_times(uint32_t worker) const noexcept {
  return state_->shared->peers[worker]->times.read();
}
uint64_t WorkerGroup::connections(uint32_t worker) const noexcept {
  return state_->shared->peers[worker]->connections.get();
}
uint64_t WorkerGroup::refused(uint32_t worker) const noexcept { return state_->shared->peers[worker]->refused.get(); }
uint64_t WorkerGroup::handed_on(uint32_t worker) const noexcept {
  return state_->shared->peers[worker]->handed_on.get();
}

}  // namespace sluice::net::loop
