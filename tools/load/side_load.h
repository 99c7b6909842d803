// What happens beside the pushes: connections that stay idle, pushes that arrive byte by byte, scrapes, and scrapes
// that are read slowly. On a thread and a ring of its own, so that a scrape of 100 MB does not make the load late.
//
// Constructed anywhere; run() once, on its thread, until RunState::stop_side(). What it counted is read after that.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>

#include "core/base/result.h"
#include "net/ring/probe.h"
#include "net/ring/ring.h"
#include "tools/load/histogram.h"
#include "tools/load/options.h"
#include "tools/load/response_reader.h"
#include "tools/load/run_state.h"

namespace sluice::tools::load {

struct SideStats {
  uint64_t idle_closed = 0;  // idle connections that the server ended
  uint64_t slow_pushes = 0;
  uint64_t scrapes = 0;
  uint64_t slow_scrapes = 0;
  uint64_t scrape_bytes = 0;  // as they came, compressed or not
  uint64_t failed = 0;        // wrong answers and broken connections; idle ones are not among them
  Histogram scrape_latency;   // to the last byte
  Histogram first_byte;       // of the body
  std::string first_failure;
};

class SideLoad final : public net::ring::CompletionHandler {
 public:
  // All of it outlives this.
  SideLoad(const Options& options, RunState& state);
  ~SideLoad() override;

  [[nodiscard]] Result<void, std::string> run(const net::ring::Capabilities& capabilities);
  [[nodiscard]] const SideStats& stats() const noexcept { return stats_; }

  void on_completion(const net::ring::Completion& completion) override;

 private:
  enum class Kind : uint8_t { kIdle, kSlowSender, kScraper, kSlowReader };
  struct Peer {
    Kind kind = Kind::kIdle;
    uint32_t index = 0;
    int descriptor = -1;
    uint32_t generation = 0;
    bool receiving = false;
    bool sending = false;
    bool closing = false;
    bool working = false;  // a request is under way
    std::string request;
    size_t sent = 0;
    int64_t due_ns = 0;  // of the next step: a piece to send or read, or the next request
    int64_t started_ns = 0;
    int64_t first_byte_ns = 0;
    std::string piece;  // memory of a slow reader
    std::unique_ptr<ResponseReader> reader;
  };

  void step(Peer& peer, int64_t now);
  void begin(Peer& peer, int64_t now);
  void read_more(Peer& peer);
  void send_more(Peer& peer);
  void on_bytes(Peer& peer, std::string_view bytes);
  void on_done(Peer& peer, int64_t now);
  void fail(Peer& peer, const std::string& why);
  void begin_close(Peer& peer);
  void end_close(Peer& peer);
  [[nodiscard]] std::string request_of(Kind kind, uint32_t index) const;

  const Options& options_;
  RunState& state_;
  SideStats stats_;
  std::unique_ptr<net::ring::Ring> ring_;
  std::deque<Peer> peers_;  // the idle ones last: they have no steps
  size_t active_ = 0;       // peers with steps
};

}  // namespace sluice::tools::load
