// The limit that net/ring and net/loop set: a server that answers every receive with a fixed 200, without HTTP, parser
// or store. For P5 and P19 of the targets: run it once for each backend and let `wrk` drive it.
//
//   ring_reply BACKEND PORT [WORKERS] [close]
//   wrk -t1 -c16 -d5s -s post.lua http://127.0.0.1:PORT/       (with `close`: one connection for each request)
//
// Ends on SIGINT or SIGTERM and prints requests, turns and requests a turn.
#include <fmt/format.h>
#include <signal.h>
#include <sys/socket.h>

#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/loop/listeners.h"
#include "net/loop/sizing.h"
#include "net/loop/worker.h"
#include "net/loop/worker_group.h"

namespace sluice::net::loop {
namespace {

constexpr std::string_view kReply = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
constexpr std::string_view kLastReply = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

class Reply final : public Service {
 public:
  Reply(bool close, uint64_t& requests) : close_(close), requests_(requests) {}

  void on_start(Worker& worker) override { worker_ = &worker; }
  void on_connection(const NewConnection& connection) override {
    uint32_t id = 0;
    if (free_.empty()) {
      id = static_cast<uint32_t>(slots_.size());
      slots_.emplace_back();
    } else {
      id = free_.back();
      free_.pop_back();
    }
    Slot& slot = slots_[id];
    slot = {.socket = connection.socket, .generation = slot.generation + 1};
    receive(id);
  }
  void on_completion(const ring::Completion& c) override {
    const uint32_t id = c.token.id();
    Slot& slot = slots_[id];
    if (c.op == ring::Op::kSend) {
      slot.sending = false;
      if (close_) worker_->ring().shutdown(slot.socket, SHUT_WR, token(3, id));
      slot.shutting = close_;
    } else if (c.op == ring::Op::kShutdown) {
      slot.shutting = false;
    } else {
      on_receive(id, slot, c);
    }
    if (slot.at_end && !slot.sending && !slot.shutting) {
      worker_->ring().close(slot.socket);
      free_.push_back(id);
      worker_->connection_closed();
    }
  }
  void on_stop() override {}
  void on_abort() override {}

 private:
  struct Slot {
    int socket = -1;
    uint32_t generation = 0;
    bool sending = false;
    bool shutting = false;
    bool at_end = false;
  };

  [[nodiscard]] ring::Token token(uint8_t kind, uint32_t id) const {
    return ring::Token::make(kind, id, slots_[id].generation);
  }
  void receive(uint32_t id) { worker_->ring().receive_multishot(slots_[id].socket, token(1, id)); }
  void on_receive(uint32_t id, Slot& slot, const ring::Completion& c) {
    if (c.buffer != ring::kNoBuffer) worker_->ring().give_back(c.buffer);
    if (c.result > 0 && !slot.sending) {
      ++requests_;
      slot.sending = true;
      const std::string_view reply = close_ ? kLastReply : kReply;
      worker_->ring().send(slot.socket, reply.data(), reply.size(), token(2, id));
    }
    switch (ring::next_of(c)) {
      case ring::Next::kKeep:
        return;
      case ring::Next::kRearm:
      case ring::Next::kPark:
        return receive(id);
      case ring::Next::kClosed:
        slot.at_end = true;
    }
  }

  const bool close_;
  uint64_t& requests_;
  Worker* worker_ = nullptr;
  std::vector<Slot> slots_;
  std::vector<uint32_t> free_;
};

int run(int count, char** arguments) {
  const bool close = count > 4 && std::string_view(arguments[4]) == "close";
  const std::string_view backend = arguments[1];
  const auto capabilities =
      ring::probe(backend == "epoll" ? ring::BackendChoice::kEpoll : ring::BackendChoice::kIoUring);
  if (!capabilities) return fmt::print("{}\n", capabilities.error()), 1;
  const uint32_t workers = count > 3 ? static_cast<uint32_t>(std::atoi(arguments[3])) : 1;
  const Sizes sizes = size_for(read_system(), *capabilities, workers);
  fmt::print("{}\n", sizes.sentence);
  const auto address = parse_listen_address(fmt::format("127.0.0.1:{}", arguments[2]));
  auto listeners = address ? Listeners::open({*address}, {.workers = workers})
                           : Result<Listeners, std::string>(Unexpected<std::string>(address.error()));
  if (!listeners) return fmt::print("{}\n", listeners.error()), 1;

  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGINT);
  sigaddset(&ends, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &ends, nullptr);
  std::vector<uint64_t> requests(workers * 8);  // a line each
  WorkerGroup group;
  const auto started = group.start(
      *capabilities,
      {.workers = workers, .connections_max = sizes.connections_max, .ring = sizes.ring, .stop_bound_ns = 200'000'000},
      std::move(*listeners), [&](uint32_t i) { return std::make_unique<Reply>(close, requests[i * 8]); });
  if (!started) return fmt::print("{}\n", started.error()), 1;
  int signal = 0;
  sigwait(&ends, &signal);
  group.request_stop();
  static_cast<void>(group.join());
  for (uint32_t i = 0; i < workers; ++i) {
    const TurnTimes::Reading times = group.turn_times(i);
    const auto turns = static_cast<double>(std::max<uint64_t>(times.count, 1));
    fmt::print("worker {}: {} requests, {} turns, {:.2f} requests a turn, mean turn {:.1f} us, longest {:.1f} us\n", i,
               requests[i * 8], times.count, static_cast<double>(requests[i * 8]) / turns,
               static_cast<double>(times.sum_ns) / turns / 1e3, static_cast<double>(times.max_ns) / 1e3);
  }
  return 0;
}

}  // namespace
}  // namespace sluice::net::loop

int main(int count, char** arguments) {
  if (count < 3) {
    fmt::print("usage: ring_reply io_uring|epoll PORT [WORKERS] [close]\n");
    return 2;
  }
  return sluice::net::loop::run(count, arguments);
}
