// All connections of one worker: the table of slots, and the worker's service.
//
// A slot is an index and a generation, which travel in the token of every operation; a completion for another use of
// the slot is dropped. Slots are made in slabs as they are first needed and never freed; their number is bounded by the
// worker's connections_max plus a few that are on their way out.
//
// Idle connections stay open for Options::idle_ns. Only when the table is full some are closed, the longest idle first.
//
// Thread: the worker's. Lifetime: outlives its worker's last turn.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "net/conn/connection.h"
#include "net/conn/counters.h"
#include "net/conn/intrusive_list.h"
#include "net/conn/options.h"
#include "net/conn/shared.h"
#include "net/http/exchange.h"
#include "net/loop/service.h"

namespace sluice::net::conn {

class Connections final : public loop::Service, private ConnectionOwner {
 public:
  // `handler` outlives this.
  explicit Connections(http::Handler& handler, const Options& options = {});
  ~Connections() override;
  Connections(const Connections&) = delete;
  Connections& operator=(const Connections&) = delete;

  [[nodiscard]] const Counters& counters() const noexcept { return shared_.counters; }
  // For what the handler needs beside a received body; the worker's thread only.
  [[nodiscard]] BodyPool& bodies() noexcept { return shared_.bodies; }

  // Every connection speaks TLS; `kernel` seals what is sent over TCP, where there is one. Before the first one; both
  // outlive this.
  void set_tls(tls::Source& source, const tls::KernelTls* kernel = nullptr) noexcept {
    shared_.tls = &source;
    shared_.kernel_tls = kernel;
  }

  void on_start(loop::Worker& worker) override;
  void on_connection(const loop::NewConnection& connection) override;
  void on_completion(const ring::Completion& completion) override;
  void on_turn(int64_t now_ns) override;
  void on_stop() override;
  void on_abort() override;
  void on_end() override;

 private:
  void on_idle(Connection& connection) override;
  void on_busy(Connection& connection) override;
  void on_parked(Connection& connection) override;
  void on_gone(Connection& connection) override;

  [[nodiscard]] Connection* free_slot();
  // False: its address has too many already.
  [[nodiscard]] bool hold_address(const loop::NewConnection& connection, sync::KeyedCounts::Hold& hold);
  void turn_away(const loop::NewConnection& connection);
  [[nodiscard]] bool is_full() const noexcept;
  void relieve_pressure();
  void stop_idle();
  template <typename Action>
  void for_each_open(const Action& action);

  static constexpr uint32_t kSlabSlots = 64;
  static constexpr uint32_t kStopTurns = 3;  // turns between a stop and the first look at who is idle

  Shared shared_;
  std::vector<std::unique_ptr<Connection[]>> slabs_;
  std::vector<uint32_t> free_;
  uint32_t stop_turns_ = 0;                                     // since the stop began
  IntrusiveList<Connection, &Connection::idle_link> idle_;      // the longest idle first
  IntrusiveList<Connection, &Connection::parked_link> parked_;  // the longest parked first
};

}  // namespace sluice::net::conn
