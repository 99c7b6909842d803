// One thread of load: its connections, its plan, its share of the groups, its counts.
//
// The loop sends whatever is due, flushes each connection once, and waits in the ring for the next answer or the next
// planned time. Open loop: a request is due at its planned time and its latency counts from then, whether or not a
// connection was free; so a server that stands still is charged for everything that should have come meanwhile. Closed
// loop: a request is due when a connection has room.
//
// Constructed anywhere; run() is called once, on the thread that does the work. What it counted is read after that
// thread has ended. Bounded by its options: connections times pipeline requests are in flight, the backlog of an open
// loop is only a time, and after the end it waits for answers for at most the timeout.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "net/ring/probe.h"
#include "net/ring/ring.h"
#include "tools/load/arrivals.h"
#include "tools/load/connection.h"
#include "tools/load/options.h"
#include "tools/load/requests.h"
#include "tools/load/run_state.h"
#include "tools/load/stats.h"

namespace sluice::tools::load {

class Loader final : public net::ring::CompletionHandler {
 public:
  // All of it outlives this.
  Loader(const Options& options, const Body& body, const GroupNames& names, uint32_t thread, RunState& state);
  ~Loader() override;

  // The whole run of this thread. The error is one sentence: no ring could be made.
  [[nodiscard]] Result<void, std::string> run(const net::ring::Capabilities& capabilities);

  [[nodiscard]] const Groups& groups() const noexcept { return groups_; }
  [[nodiscard]] const LoadStats& stats() const noexcept { return stats_; }

  void on_completion(const net::ring::Completion& completion) override;

 private:
  enum class Phase : uint8_t { kFill, kRun, kDrain };

  // loader.cc: the loop.
  void fill();
  void load();
  void drain();
  void turn(int64_t now);
  void send_due(int64_t now);
  void send_due_open(int64_t now);
  void look_at_time(int64_t now);
  [[nodiscard]] int64_t wait_ns(int64_t now) const;
  [[nodiscard]] bool over(int64_t now) const;
  [[nodiscard]] bool in_window(int64_t at) const noexcept { return at >= window_from_ns_ && at < window_to_ns_; }

  // loader_send.cc: connections and requests.
  [[nodiscard]] bool has_room(const Connection& connection) const noexcept;
  void make_ready(uint32_t index, int64_t now);
  [[nodiscard]] bool send_request(uint32_t index, const Request& request, int64_t planned, int64_t now);
  [[nodiscard]] bool open(uint32_t index);
  void flush();
  void start_send(uint32_t index);

  // loader_receive.cc: answers and ends.
  void on_received(uint32_t index, const net::ring::Completion& completion);
  void on_sent(uint32_t index, const net::ring::Completion& completion);
  void read_answers(uint32_t index, std::string_view bytes);
  void on_answer(uint32_t index, int64_t now);
  void count_wrong(Connection& connection, const Outstanding& outstanding, int64_t now);
  void break_connection(uint32_t index, const std::string& why, uint64_t LoadStats::* counter);
  void begin_close(uint32_t index);
  void end_close(uint32_t index);
  void note_failure(const std::string& what);

  const Options& options_;
  const uint32_t thread_;
  RunState& state_;
  Groups groups_;
  Requests requests_;
  LoadStats stats_;
  std::unique_ptr<net::ring::Ring> ring_;
  std::deque<Connection> connections_;
  std::deque<uint32_t> ready_;     // with room, longest first
  std::vector<uint32_t> dirty_;    // with bytes to send
  std::vector<uint32_t> parked_;   // whose receive ran out of buffers
  std::vector<uint32_t> waiting_;  // for the time of another try to connect
  std::unique_ptr<Arrivals> arrivals_;
  Phase phase_ = Phase::kFill;
  uint64_t in_flight_ = 0;
  uint64_t measured_sent_ = 0;
  uint64_t measured_max_ = UINT64_MAX;
  bool arrival_had_to_wait_ = false;  // the next one
  int64_t start_ns_ = 0;
  int64_t window_from_ns_ = INT64_MAX;
  int64_t window_to_ns_ = INT64_MAX;
  int64_t cpu_from_ns_ = 0;
  int64_t cpu_wall_from_ns_ = 0;
  int64_t next_look_ns_ = 0;
  size_t source_next_ = 0;
  RunState::Progress progress_;
};

}  // namespace sluice::tools::load
