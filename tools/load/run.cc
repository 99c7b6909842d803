#include "tools/load/run.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <deque>
#include <fstream>
#include <iterator>
#include <thread>
#include <vector>

#include "tools/load/http_client.h"
#include "tools/load/ledger.h"
#include "tools/load/loader.h"
#include "tools/load/server_cpu.h"
#include "tools/load/workloads.h"

namespace sluice::tools::load {

namespace {

constexpr auto kPoll = std::chrono::milliseconds(5);

int64_t timeout_ms(const Options& options) { return options.timeout.count() / 1'000'000; }

// The line on a terminal that is written over every second.
class ProgressLine {
 public:
  explicit ProgressLine(const Options& options) : options_(options), shown_(isatty(STDERR_FILENO) == 1) {}
  ~ProgressLine() {
    if (shown_) std::fputs("\r\x1b[K", stderr);
  }

  void tick(RunState& state, int64_t now) {
    if (!shown_ || now < next_ns_) return;
    const double seconds = last_ns_ == 0 ? 1 : static_cast<double>(now - last_ns_) / 1e9;
    last_ns_ = now;
    next_ns_ = now + 1'000'000'000;
    state.take(progress_);
    failed_ += progress_.failed;
    const int64_t started = state.started_at();
    std::string where = started == 0 ? "filling" : fmt::format("{:.0f} s", static_cast<double>(now - started) / 1e9);
    if (started != 0 && options_.count == 0) {
      where += fmt::format(" of {:.0f} s", static_cast<double>((options_.warmup + options_.duration).count()) / 1e9);
    }
    fmt::print(stderr, "\r\x1b[K{}: {:.0f}/s, p50 {:.3f} ms, p99 {:.3f} ms, {} failed", where,
               static_cast<double>(progress_.answered) / seconds,
               static_cast<double>(progress_.latency.percentile_ns(50)) / 1e6,
               static_cast<double>(progress_.latency.percentile_ns(99)) / 1e6, failed_);
    std::fflush(stderr);
  }

 private:
  const Options& options_;
  bool shown_;
  int64_t last_ns_ = 0;
  int64_t next_ns_ = 0;
  uint64_t failed_ = 0;
  RunState::Progress progress_;
};

// CPU of the server between the begin and the end of the measured window.
class ServerCpu {
 public:
  explicit ServerCpu(const Options& options) : options_(options) {}

  void tick(const RunState& state, int64_t now, bool ended) {
    if (options_.server_pid == 0 || state.started_at() == 0 || done_) return;
    const int64_t from = state.started_at() + options_.warmup.count();
    const bool past = options_.count == 0 && now >= from + options_.duration.count();
    if (!begin_ && now >= from) begin_ = process_cpu_ns(options_.server_pid);
    if (!past && !ended) return;
    done_ = true;
    end_ = process_cpu_ns(options_.server_pid);
  }
  [[nodiscard]] std::optional<int64_t> used_ns() const {
    return begin_ && end_ ? std::optional(*end_ - *begin_) : std::nullopt;
  }

 private:
  const Options& options_;
  bool done_ = false;
  std::optional<int64_t> begin_;
  std::optional<int64_t> end_;
};

struct Threads {
  std::vector<std::thread> running;
  std::atomic<uint32_t> ended{0};
  std::mutex mutex;
  std::string problem;

  template <typename Work>
  void start(Work work) {
    running.emplace_back([this, work] {
      const Result<void, std::string> result = work();
      if (!result) {
        const std::lock_guard lock(mutex);
        problem = result.error();
      }
      ended.fetch_add(1, std::memory_order_release);
    });
  }
  void join() {
    for (std::thread& thread : running) thread.join();
  }
};

// The error is one sentence: the scrape itself failed.
Result<Verdict, std::string> scrape_and_verify(const Options& options, const Body& body, const GroupNames& names,
                                               const std::vector<const Groups*>& groups) {
  Verifier verifier(body, names, groups);
  HttpClient client(options.target, timeout_ms(options));
  const auto status = client.request("GET", "/metrics", [&](std::string_view bytes) { verifier.feed(bytes); });
  if (!status) return std::unexpected(status.error());
  if (*status != 200) return std::unexpected(fmt::format("the scrape was answered with {}", *status));
  return verifier.finish();
}

void verify(const Options& options, const Body& body, const GroupNames& names, const std::vector<const Groups*>& groups,
            Outcome& outcome) {
  auto verdict = scrape_and_verify(options, body, names, groups);
  if (verdict) {
    outcome.verdict = std::move(*verdict);
  } else {
    outcome.verify_problem = verdict.error();
  }
}

// Returns how many groups could not be deleted.
uint64_t clean_up(const Options& options, const GroupNames& names, const std::deque<Loader>& loaders) {
  HttpClient client(options.target, timeout_ms(options));
  uint64_t left = 0;
  const auto clear = [&](std::string_view job, uint64_t number) {
    const auto status =
        client.request("DELETE", fmt::format("/metrics/job/{}/instance/{}{}", job, GroupNames::kPrefix, number));
    if (!status || *status != 202) ++left;
  };
  for (uint32_t thread = 0; thread < loaders.size(); ++thread) {
    const Groups& groups = loaders[thread].groups();
    for (uint64_t slot = 0; slot < groups.size(); ++slot) {
      if (!groups.allowed(slot).untouched) clear(names.job(), names.number_of({thread, slot, groups.generation(slot)}));
    }
    if (options.invalid_percent + options.conflicting_percent > 0) clear(names.job() + "_bad", thread);
  }
  for (uint32_t i = 0; i < options.side.slow_senders; ++i) clear(names.job() + "_slow", i);
  return left;
}

// Starts everything and waits for it.
Result<void, std::string> drive(const Options& options, const net::ring::Capabilities& capabilities, RunState& state,
                                std::deque<Loader>& loaders, SideLoad& side, const std::atomic<bool>& interrupted,
                                Outcome& outcome) {
  Threads load;
  Threads beside;
  for (Loader& loader : loaders) {
    load.start([&loader, &capabilities] { return loader.run(capabilities); });
  }
  ServerCpu server_cpu(options);
  {
    ProgressLine progress(options);
    while (load.ended.load(std::memory_order_acquire) < loaders.size()) {
      std::this_thread::sleep_for(kPoll);
      const int64_t now = monotonic_ns();
      if (interrupted.load(std::memory_order_relaxed)) state.stop();
      if (beside.running.empty() && state.started_at() != 0 && options.side.total() > 0) {
        beside.start([&side, &capabilities] { return side.run(capabilities); });
      }
      server_cpu.tick(state, now, false);
      progress.tick(state, now);
    }
    server_cpu.tick(state, monotonic_ns(), true);
  }
  state.stop_side();
  load.join();
  beside.join();
  outcome.server_cpu_ns = server_cpu.used_ns();
  if (options.server_pid != 0) outcome.server_resident_bytes = process_resident_bytes(options.server_pid);
  if (!load.problem.empty()) return std::unexpected(load.problem);
  if (!beside.problem.empty()) return std::unexpected(beside.problem);
  return {};
}

}  // namespace

Result<Outcome, std::string> run_load(const Options& options, const std::atomic<bool>& interrupted) {
  const auto text = workload_template(options.body_name);
  if (!text) return std::unexpected(text.error());
  const auto body = Body::make(*text, options.format);
  if (!body) return std::unexpected(body.error());
  const int probe_socket = connect_and_wait(options.target, timeout_ms(options));
  if (probe_socket < 0) {
    return std::unexpected(fmt::format("cannot connect to {}: {}", options.target.host, std::strerror(-probe_socket)));
  }
  ::close(probe_socket);
  const auto refused = net::ring::refused_by_environment();
  if (!refused) return std::unexpected(refused.error());
  const auto capabilities = net::ring::probe(options.backend, *refused);
  if (!capabilities) return std::unexpected(capabilities.error());

  Outcome outcome;
  outcome.backend = capabilities->backend == net::ring::Backend::kIoUring ? "io_uring" : "epoll";
  const GroupNames names(options.job, options.groups, options.threads);
  RunState state(options.threads);
  std::deque<Loader> loaders;
  for (uint32_t thread = 0; thread < options.threads; ++thread)
    loaders.emplace_back(options, *body, names, thread, state);
  SideLoad side(options, state);
  if (auto driven = drive(options, *capabilities, state, loaders, side, interrupted, outcome); !driven) {
    return std::unexpected(driven.error());
  }
  outcome.interrupted = state.stopping();
  for (const Loader& loader : loaders) outcome.stats.merge(loader.stats());
  outcome.side = side.stats();
  std::vector<const Groups*> groups;
  groups.reserve(loaders.size());
  for (const Loader& loader : loaders) groups.push_back(&loader.groups());
  if (!options.ledger_file.empty()) {
    const Ledger head{options.job, options.body_name, options.format, options.groups, options.threads, {}};
    outcome.ledger = ledger_text(head, groups);
  }
  if (options.verify) verify(options, *body, names, groups, outcome);
  if (options.cleanup) outcome.left_behind = clean_up(options, names, loaders);
  return outcome;
}

Result<Verdict, std::string> verify_ledger(const Options& options) {
  std::ifstream stream(options.verify_only, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  if (!stream) return std::unexpected(fmt::format("cannot read '{}': {}", options.verify_only, std::strerror(errno)));
  const auto ledger = parse_ledger(text);
  if (!ledger) return std::unexpected(fmt::format("{}: {}", options.verify_only, ledger.error()));
  const auto body_text = workload_template(ledger->body_name);
  if (!body_text) return std::unexpected(body_text.error());
  const auto body = Body::make(*body_text, ledger->format);
  if (!body) return std::unexpected(body.error());
  const GroupNames names(ledger->job, ledger->groups, ledger->threads);
  std::vector<const Groups*> groups;
  groups.reserve(ledger->of_threads.size());
  for (const Groups& of_thread : ledger->of_threads) groups.push_back(&of_thread);
  return scrape_and_verify(options, *body, names, groups);
}

}  // namespace sluice::tools::load
