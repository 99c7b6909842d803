#include "tools/load/loader.h"

#include <sys/prctl.h>
#include <sys/resource.h>

#include <algorithm>
#include <utility>

#include "core/base/clock.h"

namespace sluice::tools::load {

namespace {

// Timeouts, progress and the wish to stop are looked at this often.
constexpr int64_t kLookNs = 50'000'000;
// No end: far enough away, and a timeout may still be added to it.
constexpr int64_t kForeverNs = INT64_MAX / 4;

int64_t thread_cpu_ns() noexcept {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return time.tv_sec * 1'000'000'000 + time.tv_nsec;
}

}  // namespace

Loader::Loader(const Options& options, const Body& body, const GroupNames& names, uint32_t thread, RunState& state)
    : options_(options),
      thread_(thread),
      state_(state),
      groups_(names.groups_of(thread)),
      requests_(options, body, names, thread, groups_),
      connections_(options.connections / options.threads + (thread < options.connections % options.threads ? 1 : 0)) {}

Loader::~Loader() = default;

Result<void, std::string> Loader::run(const net::ring::Capabilities& capabilities) {
  net::ring::RingOptions ring_options;
  auto ring = net::ring::make_ring(capabilities, ring_options);
  if (ring) {
    ring_ = std::move(*ring);
    const int enabled = ring_->enable();
    if (enabled < 0) ring = std::unexpected("the ring cannot be enabled");
  }
  if (!ring) {
    state_.stop();
    static_cast<void>(state_.wait_for_start());  // the others must not wait for this one
    return std::unexpected(ring.error());
  }
  // By default the kernel may end a wait 50 us late, which would be our lateness.
  prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
  for (uint32_t i = 0; i < connections_.size(); ++i) make_ready(i, monotonic_ns());
  fill();
  load();
  drain();
  ring_.reset();
  return {};
}

void Loader::fill() {
  const int64_t from = monotonic_ns();
  if (options_.fill) {
    Request request;
    bool more = true;
    while ((more || in_flight_ > 0) && !state_.stopping()) {
      const int64_t now = monotonic_ns();
      while (more && !ready_.empty()) {
        more = requests_.next_of_fill(request);
        if (!more) break;
        const uint32_t index = ready_.front();
        ready_.pop_front();
        connections_[index].queued = false;
        if (send_request(index, request, now, now)) ++stats_.fill_requests;
        make_ready(index, now);
      }
      turn(now);
    }
    stats_.fill_ns = monotonic_ns() - from;
  }
}

void Loader::load() {
  start_ns_ = state_.wait_for_start();
  phase_ = Phase::kRun;
  window_from_ns_ = start_ns_ + options_.warmup.count();
  window_to_ns_ = options_.count > 0 ? kForeverNs : window_from_ns_ + options_.duration.count();
  if (options_.count > 0)
    measured_max_ = options_.count / options_.threads + (thread_ < options_.count % options_.threads);
  if (options_.rate > 0) {
    arrivals_ = std::make_unique<Arrivals>(options_.arrivals, options_.rate / options_.threads, start_ns_,
                                           options_.seed * 7919 + thread_);
  }
  if (!options_.latencies_file.empty()) {
    const double seconds = static_cast<double>(options_.duration.count()) / 1e9;
    stats_.rows.expect(options_.count > 0 ? static_cast<double>(measured_max_) : options_.rate * seconds);
  }
  while (true) {
    const int64_t now = monotonic_ns();
    if (over(now)) break;
    send_due(now);
    turn(now);
  }
}

// Waits for the answers that are still to come; then every connection is closed.
void Loader::drain() {
  phase_ = Phase::kDrain;
  if (arrivals_ != nullptr && window_to_ns_ != kForeverNs && !state_.stopping()) {
    for (; arrivals_->next_ns() < window_to_ns_; arrivals_->pop()) ++stats_.never_sent;
    stats_.failed += stats_.never_sent;
    if (stats_.never_sent > 0) note_failure("no connection became free in time");
  }
  const int64_t until = monotonic_ns() + options_.timeout.count();
  while (in_flight_ > 0 && monotonic_ns() < until) turn(monotonic_ns());
  for (uint32_t i = 0; i < connections_.size(); ++i) {
    if (!connections_[i].outstanding.empty()) break_connection(i, "no answer at the end", &LoadStats::timed_out);
    begin_close(i);
  }
  const auto is_open = [](const Connection& connection) { return connection.descriptor >= 0; };
  while (std::ranges::any_of(connections_, is_open)) turn(monotonic_ns());
  if (cpu_wall_from_ns_ != 0 && stats_.wall_ns == 0) {
    stats_.cpu_ns = thread_cpu_ns() - cpu_from_ns_;
    stats_.wall_ns = monotonic_ns() - cpu_wall_from_ns_;
  }
  state_.publish(progress_);
}

bool Loader::over(int64_t now) const {
  if (state_.stopping() || measured_sent_ >= measured_max_) return true;
  if (arrivals_ == nullptr) return now >= window_to_ns_;
  // An open loop ends when everything that was planned is sent, or after the patience for the backlog.
  return arrivals_->next_ns() >= window_to_ns_ || now >= window_to_ns_ + options_.timeout.count();
}

void Loader::turn(int64_t now) {
  look_at_time(now);
  flush();
  ring_->turn(wait_ns(monotonic_ns()), *this);
  for (size_t left = parked_.size(); left > 0 && ring_->buffers_free() > 0; --left) {
    const uint32_t index = parked_.back();
    parked_.pop_back();
    Connection& connection = connections_[index];
    if (connection.descriptor < 0 || connection.closing || connection.receiving) continue;
    connection.receiving = true;
    ring_->receive_multishot(connection.descriptor, net::ring::Token::make(0, index, connection.generation));
  }
}

int64_t Loader::wait_ns(int64_t now) const {
  int64_t until = now + kLookNs;
  if (phase_ == Phase::kRun && !ready_.empty()) {
    // A closed loop has sent on every connection that has room; one that is left could not connect.
    if (arrivals_ != nullptr) until = std::min(until, std::min(arrivals_->next_ns(), window_to_ns_));
  }
  return std::max<int64_t>(until - now, 0);
}

void Loader::send_due(int64_t now) {
  if (arrivals_ != nullptr) {
    send_due_open(now);
    return;
  }
  for (size_t left = ready_.size(); left > 0; --left) {
    const uint32_t index = ready_.front();
    ready_.pop_front();
    connections_[index].queued = false;
    while (has_room(connections_[index]) && measured_sent_ < measured_max_) {
      if (!send_request(index, requests_.next(), now, now)) break;
    }
    make_ready(index, now);
  }
}

void Loader::send_due_open(int64_t now) {
  while (arrivals_->next_ns() <= now && arrivals_->next_ns() < window_to_ns_ && measured_sent_ < measured_max_) {
    if (ready_.empty()) {
      if (!arrival_had_to_wait_) ++stats_.waited;
      arrival_had_to_wait_ = true;
      return;
    }
    const uint32_t index = ready_.front();
    ready_.pop_front();
    Connection& connection = connections_[index];
    connection.queued = false;
    const int64_t planned = arrivals_->next_ns();
    now = monotonic_ns();
    if (in_window(planned)) stats_.lateness.record(now - std::max(planned, connection.room_since_ns));
    // Whether it could be sent or not: its time has come, and a failure is counted as one.
    static_cast<void>(send_request(index, requests_.next(), planned, now));
    arrivals_->pop();
    arrival_had_to_wait_ = false;
    make_ready(index, now);
  }
}

void Loader::look_at_time(int64_t now) {
  if (now < next_look_ns_) return;
  next_look_ns_ = now + kLookNs;
  state_.publish(progress_);
  if (cpu_wall_from_ns_ == 0 && now >= window_from_ns_) {
    cpu_from_ns_ = thread_cpu_ns();
    cpu_wall_from_ns_ = now;
  } else if (cpu_wall_from_ns_ != 0 && stats_.wall_ns == 0 && (now >= window_to_ns_ || phase_ == Phase::kDrain)) {
    stats_.cpu_ns = thread_cpu_ns() - cpu_from_ns_;
    stats_.wall_ns = now - cpu_wall_from_ns_;
  }
  for (uint32_t i = 0; i < connections_.size(); ++i) {
    const Connection& connection = connections_[i];
    if (connection.outstanding.empty() || now - connection.outstanding.front().sent_ns < options_.timeout.count()) {
      continue;
    }
    break_connection(i, "no answer in time", &LoadStats::timed_out);
  }
  for (const uint32_t index : std::exchange(waiting_, {})) make_ready(index, now);
}

}  // namespace sluice::tools::load
