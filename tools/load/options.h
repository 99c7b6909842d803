// What the command line of sluice-load said, judged.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "net/ring/probe.h"
#include "tools/load/arrivals.h"
#include "tools/load/body.h"
#include "tools/load/target.h"

namespace sluice::tools::load {

// Shares of the three methods; their sum is what counts.
struct Mix {
  uint32_t put = 0;
  uint32_t post = 1;
  uint32_t remove = 0;
  [[nodiscard]] uint32_t total() const noexcept { return put + post + remove; }
};

// Connections beside the pushes. None of them counts in the latencies.
struct SideOptions {
  uint32_t idle = 0;          // opened and left alone
  uint32_t slow_senders = 0;  // pushes that arrive byte by byte
  uint32_t scrapers = 0;      // one scrape after the other
  uint32_t slow_readers = 0;  // scrapes that are read slowly
  bool scrape_gzip = false;
  std::chrono::nanoseconds scrape_interval{0};  // from the end of one to the begin of the next
  [[nodiscard]] uint32_t total() const noexcept { return idle + slow_senders + scrapers + slow_readers; }
};

struct Options {
  std::string url;
  Target target;
  std::vector<SocketAddress> sources;

  // Open loop with a rate, closed loop without.
  double rate = 0;
  ArrivalKind arrivals = ArrivalKind::kConstant;
  std::chrono::nanoseconds duration = std::chrono::seconds(10);
  std::chrono::nanoseconds warmup = std::chrono::seconds(1);
  uint64_t count = 0;  // measured requests, 0: as many as the duration has
  uint64_t seed = 1;

  uint32_t connections = 16;
  uint32_t threads = 1;
  uint32_t pipeline = 1;
  bool connection_per_push = false;
  std::chrono::nanoseconds timeout = std::chrono::seconds(30);

  std::string job;
  uint64_t groups = 1000;
  double zipf = 0;
  double churn_percent = 0;
  bool fill = false;
  Mix mix;
  std::string body_name = "s";
  BodyFormat format = BodyFormat::kText;
  bool gzip = false;
  double invalid_percent = 0;
  double conflicting_percent = 0;
  SideOptions side;

  bool verify = true;
  bool cleanup = false;
  std::string ledger_file;  // written at the end
  std::string verify_only;  // a ledger: no load, a scrape against it
  std::chrono::nanoseconds lateness_max = std::chrono::milliseconds(10);
  int server_pid = 0;
  std::string json_file;
  std::string html_file;
  std::string latencies_file;  // every measured latency, as CSV
  net::ring::BackendChoice backend = net::ring::BackendChoice::kAuto;
};

}  // namespace sluice::tools::load
