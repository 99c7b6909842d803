#include "net/loop/worker_core.h"

#include <sys/socket.h>

#include <algorithm>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/limits.h"
#include "core/base/sanitizers.h"
#include "net/loop/balance.h"

namespace sluice::net::loop {

namespace {

// Timers called in one turn; the rest follows in the next. Each closes or answers one connection, a few microseconds.
constexpr uint32_t kTimersPerTurn = 128;
// Looks at completions in one turn while small requests come and long work waits for them; kInlineNs ends them, too.
constexpr uint32_t kLooksPerTurn = 16;
// Connections taken from a queue with accept(2) in one turn, a few microseconds each.
constexpr uint32_t kAcceptsPerTurn = 64;
// When only parked work is left: the first rounds follow at once (a grace period on one worker is over by then), later
// ones after 20 us, doubled up to 1 ms.
constexpr uint32_t kParkedAtOnce = 2;
constexpr int64_t kParkedFirstNs = 20'000;
constexpr uint32_t kParkedDoublings = 6;
// Accepted connections that wait for room in the table; each is a descriptor and 24 bytes.
constexpr size_t kWaitingMax = 1024;
// A listener that ran out of descriptors or memory tries again after a tenth of a second, or when a connection ends.
constexpr int64_t kAcceptRetryNs = 100'000'000;
// While stopping the other workers' progress is looked at this often.
constexpr int64_t kStopPollNs = 2'000'000;
// Memory that waits for its release; more than four of the largest bodies is much.
constexpr size_t kReleasesMany = 4 * limits::kBodyBytesMax;
// What connections have after on_abort() to collect their final completions.
constexpr int64_t kAbortNs = 2'000'000'000;

}  // namespace

WorkerCore::WorkerCore(uint32_t index, const CoreOptions& options, Shared& shared, ring::Ring& ring, Service& service,
                       EpochHooks& hooks)
    : index_(index),
      options_(options),
      shared_(shared),
      self_(*shared.peers[index]),
      ring_(ring),
      service_(service),
      hooks_(hooks),
      now_ns_(monotonic_ns()),
      turn_began_ns_(now_ns_),
      timers_(now_ns_),
      loads_(shared.workers()),
      sent_(shared.workers()),
      last_target_(index) {}

bool WorkerCore::run(const Listeners& listeners) {
  SLUICE_DCHECK_OWNER(owner_);
  hooks_.enter();
  service_.on_start(*this);
  take_over(listeners);
  while (stop_ != Stop::kEnded) turn();
  const bool clean = connections_ == 0;
  if (!clean) ring_.abandon();
  service_.on_end();
  hooks_.leave();
  return clean;
}

void WorkerCore::turn() {
  turn_began_ns_ = now_ns_ = monotonic_ns();
  loads_fresh_ = false;
  releases_.wake(now_ns_);
  serve();
  take_mail();
  service_.before_slices(now_ns_);
  const int64_t long_from_ns = serve_long_ && long_waits() ? monotonic_ns() : 0;
  left_ = run_queue_.run_round(serve_long_ ? slice_ns() : 0, short_until());
  left_size_ = run_queue_.size();
  parked_rounds_ = left_ == RunQueue::Left::kParkedOnly ? parked_rounds_ + 1 : 0;
  // Not beside work of its own; then it comes back to it when that is done.
  if (serve_long_ && helping_ && left_ != RunQueue::Left::kWork) helping_ = hooks_.help(Deadline::in_ns(slice_ns()));
  if (serve_long_ && releases_.pending() != 0) release_memory();
  service_.on_turn(now_ns_);
  timers_.expire(now_ns_, kTimersPerTurn);
  if (stop_ == Stop::kNo) {
    rearm_listeners();
  } else {
    advance_stop();
  }
  hooks_.quiescent(contended());
  const int64_t ended_ns = monotonic_ns();
  if (long_from_ns != 0) contention_.long_worked(long_from_ns, ended_ns, run_queue_.surplus_ran());
  self_.times.record(ended_ns - turn_began_ns_);
}

// Completions, and whether long work has its slice in this turn. While small requests come it has what they leave: the
// answers to what came first leave before its slice, what comes meanwhile is served, too, and only when a look brings
// none, or when it has waited for long enough, is it its turn.
void WorkerCore::serve() {
  serve_long_ = true;
  uint32_t dispatched = ring_.turn(wait_ns(), *this);
  if (!long_waits() || !contended()) return;
  uint64_t served = 0;  // small requests before the last look
  for (uint32_t looks = 1; dispatched > 0; ++looks) {
    if (looks > 1) {
      const int64_t now = monotonic_ns();
      if (contention_.long_is_due(now) || contention_.small_requests() == served) return;
      if (looks == kLooksPerTurn || now - turn_began_ns_ >= limits::kInlineNs) {
        serve_long_ = false;
        return;
      }
    }
    served = contention_.small_requests();
    dispatched = ring_.turn(0, *this);
  }
}

// What has yet to begin may be one request of each of a hundred clients, while others have been answered for a
// millisecond.
Deadline WorkerCore::short_until() const noexcept {
  return contended() && run_queue_.size() > 0 ? Deadline::in_ns(limits::kSliceNs) : Deadline::never();
}

bool WorkerCore::long_waits() const noexcept { return run_queue_.long_work() || releases_.pending() != 0 || helping_; }

// A slice of it; two when pushes leave memory behind faster than that.
void WorkerCore::release_memory() noexcept {
  const int64_t slices = releases_.pending() > kReleasesMany ? 2 : 1;
  releases_.step(Deadline::in_ns(slices * slice_ns()));
}

void WorkerCore::after_wait() {
  self_.waits.set(0);
  hooks_.online();
  turn_began_ns_ = now_ns_ = monotonic_ns();
}

int64_t WorkerCore::wait_ns() noexcept {
  int64_t until = std::min(timers_.next_ns(), releases_.later_at_ns());
  if (until == INT64_MIN || releases_.pending() != 0 || helping_) return 0;
  if (!waiting_.empty() && connections_ < options_.connections_max) return 0;
  if (run_queue_.size() > 0) {
    const bool only_parked = left_ == RunQueue::Left::kParkedOnly && run_queue_.size() <= left_size_;
    if (!only_parked || parked_rounds_ <= kParkedAtOnce) return 0;
    const uint32_t doublings = std::min(parked_rounds_ - kParkedAtOnce - 1, kParkedDoublings);
    until = std::min(until, now_ns_ + (kParkedFirstNs << doublings));
  }
  if (stop_ != Stop::kNo) until = std::min(until, now_ns_ + kStopPollNs);
  for (const Listening& l : listening_) {
    if (l.state == Listening::State::kParked && connections_ < options_.connections_max) {
      until = std::min(until, l.retry_ns);
    }
  }
  if (until == INT64_MAX) return -1;
  return std::max<int64_t>(until - now_ns_, 0);
}

void WorkerCore::on_completion(const ring::Completion& completion) {
  if (completion.token.kind() < ring::Token::kOwnerKindsEnd) {
    service_.on_completion(completion);
  } else {
    SLUICE_DCHECK(completion.op == ring::Op::kAccept);
    on_accept(completion);
  }
}

void WorkerCore::take_mail() {
  while (Message* message = self_.mailbox.take()) {
    if (message->kind == Message::Kind::kStop) {
      begin_stop();
    } else if (message->kind == Message::Kind::kHelp) {
      helping_ = stop_ == Stop::kNo;
    } else {
      self_.received_from[message->sender].add(1);
      take(message->connection);
    }
    delete message;
  }
}

// ---- Accepting -----------------------------------------------------------------------------------------------------

void WorkerCore::take_over(const Listeners& listeners) {
  for (size_t i = 0; i < listeners.entries().size(); ++i) {
    const auto entry = static_cast<uint16_t>(i);
    const int socket = listeners.socket_of(entry, index_);
    if (socket < 0) continue;
    ring_.adopt(socket);
    const Listeners::Entry& e = listeners.entries()[i];
    listening_.push_back({.socket = socket,
                          .entry = entry,
                          .unix_socket = e.unix_socket,
                          .handed_on = e.sockets.size() == 1 && shared_.workers() > 1});
  }
  for (Listening& l : listening_) arm(l);
}

ring::Token WorkerCore::token_of(const Listening& listening) const noexcept {
  return ring::Token::make(ring::Token::kOwnerKindsEnd, static_cast<uint32_t>(&listening - listening_.data()), 0);
}

void WorkerCore::arm(Listening& listening) {
  listening.state = Listening::State::kArmed;
  ring_.accept_multishot(listening.socket, token_of(listening));
}

void WorkerCore::on_accept(const ring::Completion& completion) {
  Listening& listening = listening_[completion.token.id()];
  if (completion.result >= 0) {
    place({.socket = completion.result, .unix_socket = listening.unix_socket, .listener = listening.entry},
          listening.handed_on);
  }
  const bool wanted = listening.state == Listening::State::kArmed;
  switch (ring::next_of(completion)) {
    case ring::Next::kKeep:
      return;
    case ring::Next::kRearm:
      if (wanted) return arm(listening);
      break;
    case ring::Next::kPark:
      if (wanted) {
        listening.state = Listening::State::kParked;
        listening.retry_ns = now_ns_ + kAcceptRetryNs;
        return;
      }
      break;
    case ring::Next::kClosed:
      break;
  }
  // Ended for good: because we cancelled it, at the limit or for the stop, or because the socket broke.
  if (stop_ != Stop::kNo) return empty_and_close(listening);
  listening.state = Listening::State::kParked;
  listening.retry_ns = wanted ? now_ns_ + kAcceptRetryNs : now_ns_;
}

void WorkerCore::rearm_listeners() {
  take_waiting();
  if (connections_ >= options_.connections_max) return;
  for (Listening& l : listening_) {
    if (l.state == Listening::State::kParked && l.retry_ns <= now_ns_ && accept_queued(l)) arm(l);
  }
}

// Takes what waits in the queue, up to the limit and a few in one turn: a multishot accept would take all of it and
// refuse what is beyond the limit.
// True when the queue was empty.
bool WorkerCore::accept_queued(const Listening& listening) {
  for (uint32_t taken = 0; taken < kAcceptsPerTurn && connections_ < options_.connections_max; ++taken) {
    const int socket = accept_now(listening.socket);
    if (socket < 0) return true;
    ring_.adopt(socket);
    place({.socket = socket, .unix_socket = listening.unix_socket, .listener = listening.entry}, listening.handed_on);
  }
  return false;
}

void WorkerCore::place(const NewConnection& connection, bool handed_on) {
  if (shared_.workers() == 1 || stop_ != Stop::kNo) return take(connection);
  refresh_loads();
  const uint32_t target =
      handed_on ? least_loaded(loads_, last_target_) : choose_worker(loads_, index_, options_.connections_max);
  last_target_ = target;
  ++loads_[target];
  if (target == index_) {
    take(connection);
  } else {
    hand_on(connection, target);
  }
}

void WorkerCore::refresh_loads() noexcept {
  if (loads_fresh_) return;
  loads_fresh_ = true;
  for (uint32_t i = 0; i < loads_.size(); ++i) {
    const Peer& peer = *shared_.peers[i];
    // What we sent and it has not taken yet counts as its own.
    loads_[i] = peer.connections.get() + sent_[i] - std::min(sent_[i], peer.received_from[index_].get());
  }
}

void WorkerCore::hand_on(const NewConnection& connection, uint32_t target) {
  auto* message = new Message;
  message->kind = Message::Kind::kConnection;
  message->sender = index_;
  message->connection = connection;
  ++sent_[target];
  self_.handed_on.add(1);
  shared_.peers[target]->mailbox.post(message);
}

void WorkerCore::take(const NewConnection& connection) {
  if (connections_ >= options_.connections_max) {
    // A multishot accept had taken more than there is room for. The service closes idle ones meanwhile.
    if (waiting_.size() < kWaitingMax) {
      waiting_.push_back(connection);
    } else {
      refuse(connection);
    }
    return;
  }
  self_.connections.set(++connections_);
  if (connections_ == options_.connections_max) {
    for (Listening& l : listening_) {
      if (l.state != Listening::State::kArmed) continue;
      l.state = Listening::State::kCancelling;
      ring_.cancel(l.socket, ring::Op::kAccept, token_of(l));
    }
  }
  service_.on_connection(connection);
}

void WorkerCore::take_waiting() {
  size_t taken = 0;
  // It cannot wait again: there is room.
  while (taken < waiting_.size() && connections_ < options_.connections_max) take(NewConnection(waiting_[taken++]));
  waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(taken));
}

void WorkerCore::refuse(const NewConnection& connection) {
  self_.refused.add(1);
  ring_.close(connection.socket);
}

void WorkerCore::refuse_waiting() {
  for (const NewConnection& connection : waiting_) refuse(connection);
  waiting_.clear();
}

void WorkerCore::connection_closed() noexcept {
  SLUICE_DCHECK_OWNER(owner_);
  SLUICE_CHECK(connections_ > 0);
  self_.connections.set(--connections_);
  // Descriptors and memory came back.
  for (Listening& l : listening_) {
    if (l.state == Listening::State::kParked) l.retry_ns = now_ns_;
  }
}

// ---- Stopping ------------------------------------------------------------------------------------------------------

void WorkerCore::begin_stop() {
  if (stop_ != Stop::kNo) return;
  stop_ = Stop::kAccepting;
  stop_deadline_ns_ = now_ns_ + options_.stop_bound_ns;
  service_.on_stop();
  for (Listening& l : listening_) {
    if (l.state == Listening::State::kArmed) {
      l.state = Listening::State::kCancelling;
      ring_.cancel(l.socket, ring::Op::kAccept, token_of(l));
    } else if (l.state == Listening::State::kParked) {
      empty_and_close(l);
    }
  }
}

// Connections that the kernel has completed already are served: their clients have seen them succeed. At the limit they
// wait for others to end; the listener takes no new ones meanwhile.
void WorkerCore::empty_and_close(Listening& listening) {
  if (listening.state != Listening::State::kEmptying) {
    listening.state = Listening::State::kEmptying;
    static_cast<void>(::listen(listening.socket, 0));
  }
  if (accept_queued(listening)) close(listening);
}

void WorkerCore::close(Listening& listening) {
  if constexpr (kThreadSanitizer) {
    ::close(listening.socket);  // it follows descriptors, does not see the ring's close, and the number is used again
  } else {
    ring_.close(listening.socket);
  }
  listening.state = Listening::State::kClosed;
}

void WorkerCore::advance_stop() {
  const bool late = now_ns_ >= stop_deadline_ns_;
  take_waiting();
  if (late) refuse_waiting();
  switch (stop_) {
    case Stop::kAccepting: {
      bool closed = true;
      for (Listening& l : listening_) {
        if (l.state == Listening::State::kEmptying) empty_and_close(l);
        if (l.state == Listening::State::kEmptying && late) close(l);
        closed = closed && l.state == Listening::State::kClosed;
      }
      if (!closed) return;
      shared_.hands_on_no_more.add(index_, 1);
      stop_ = Stop::kFinishing;
      return;
    }
    case Stop::kFinishing: {
      const bool no_more_mail = shared_.hands_on_no_more.sum() == static_cast<int64_t>(shared_.workers());
      if (no_more_mail) take_mail();
      if (no_more_mail && connections_ == 0 && waiting_.empty()) {
        stop_ = Stop::kEnded;
      } else if (late) {
        stop_ = Stop::kAborting;
        stop_deadline_ns_ = now_ns_ + kAbortNs;
        refuse_waiting();
        service_.on_abort();
      }
      return;
    }
    case Stop::kAborting:
      if (connections_ == 0 || late) stop_ = Stop::kEnded;
      return;
    case Stop::kNo:
    case Stop::kEnded:
      return;
  }
}

}  // namespace sluice::net::loop
