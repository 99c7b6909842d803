// A service for tests of the loop: echoes every connection, counts, and keeps the rules of net/ring (cancel, wait for
// the final completion, close, give buffers back).
#pragma once

#include <memory>
#include <string>
#include <unordered_map>

#include "core/base/check.h"
#include "core/sync/single_writer.h"
#include "net/loop/service.h"
#include "net/loop/worker.h"

namespace sluice::net::loop {

// What the test may read while the workers run.
struct EchoFigures {
  sync::SingleWriter<uint64_t> accepted;
  sync::SingleWriter<uint64_t> echoed_bytes;
  sync::SingleWriter<uint64_t> stops;
  sync::SingleWriter<uint64_t> aborts;
  sync::SingleWriter<uint64_t> ends;
};

class EchoService final : public Service {
 public:
  explicit EchoService(EchoFigures& figures) : figures_(figures) {}
  ~EchoService() override { SLUICE_CHECK(connections_.empty() || aborted_); }

  void on_start(Worker& worker) override { worker_ = &worker; }
  void on_connection(const NewConnection& connection) override {
    figures_.accepted.add(1);
    const uint32_t id = ++ids_;
    Connection& c = connections_[id];
    c.id = id;
    c.socket = connection.socket;
    receive(c);
  }
  void on_completion(const ring::Completion& completion) override {
    Connection& c = connections_.at(completion.token.id());
    if (completion.op == ring::Op::kSend) {
      c.sending = false;
      c.out.clear();
      if (completion.result < 0) c.ending = true;
      if (completion.result > 0) figures_.echoed_bytes.add(static_cast<uint64_t>(completion.result));
    } else {
      if (completion.buffer != ring::kNoBuffer) {
        c.in.append(completion.data, static_cast<size_t>(completion.result));
        worker_->ring().give_back(completion.buffer);
      }
      const ring::Next next = ring::next_of(completion);
      c.receiving = next == ring::Next::kKeep;
      if (next == ring::Next::kClosed) c.at_end = true;
      if (next == ring::Next::kRearm || next == ring::Next::kPark) receive(c);
    }
    go_on(c);
  }
  void on_stop() override { figures_.stops.add(1); }  // what is in flight: until the client closes
  void on_abort() override {
    figures_.aborts.add(1);
    aborted_ = true;
    if (ignore_abort) return;
    for (auto next = connections_.begin(); next != connections_.end();) {
      Connection& c = (next++)->second;
      c.ending = true;
      go_on(c);
    }
  }
  void on_end() override { figures_.ends.add(1); }

  bool ignore_abort = false;  // connections that hang for ever

 private:
  struct Connection {
    uint32_t id = 0;
    int socket = -1;
    std::string in;
    std::string out;
    bool receiving = false;
    bool sending = false;
    bool at_end = false;
    bool ending = false;
    bool cancelled = false;
  };

  void receive(Connection& c) {
    c.receiving = true;
    worker_->ring().receive_multishot(c.socket, ring::Token::make(1, c.id, 0));
  }
  void go_on(Connection& c) {
    if (c.ending && c.receiving && !c.cancelled) {
      c.cancelled = true;
      worker_->ring().cancel(c.socket, ring::Op::kReceive, ring::Token::make(1, c.id, 0));
    }
    if (!c.sending && !c.in.empty() && !c.ending) {
      c.sending = true;
      c.out.swap(c.in);
      worker_->ring().send(c.socket, c.out.data(), c.out.size(), ring::Token::make(2, c.id, 0));
    }
    if ((c.ending || (c.at_end && c.in.empty())) && !c.sending && !c.receiving) {
      worker_->ring().close(c.socket);
      connections_.erase(c.id);
      worker_->connection_closed();
    }
  }

  EchoFigures& figures_;
  Worker* worker_ = nullptr;
  std::unordered_map<uint32_t, Connection> connections_;
  uint32_t ids_ = 0;
  bool aborted_ = false;
};

}  // namespace sluice::net::loop
