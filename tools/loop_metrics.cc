#include "tools/loop_metrics.h"

#include <string>
#include <string_view>

#include "core/base/go_float.h"
#include "net/api/family_text.h"

namespace sluice::tools {
namespace {

using model::MetricType;
using net::api::append_count;
using net::api::append_sample;

struct Simple {
  std::string_view name;
  std::string_view help;
  MetricType type;
  uint64_t (*read)(const net::conn::Counters&);
};

// Figures that are sums over the workers.
constexpr Simple kSimple[] = {
    {"sluice_connections", "Connections open now.", MetricType::kGauge,
     [](const net::conn::Counters& c) -> uint64_t { return c.open; }},
    {"sluice_connections_accepted_total", "Connections accepted.", MetricType::kCounter,
     [](const net::conn::Counters& c) -> uint64_t { return c.accepted; }},
    {"sluice_http_heads_total", "Complete request heads.", MetricType::kCounter,
     [](const net::conn::Counters& c) -> uint64_t { return c.requests; }},
    {"sluice_http_heads_repeated_total", "Request heads whose fields were known from an earlier one.",
     MetricType::kCounter, [](const net::conn::Counters& c) -> uint64_t { return c.repeated; }},
    {"sluice_http_refused_total", "Requests refused before they reached an endpoint.", MetricType::kCounter,
     [](const net::conn::Counters& c) -> uint64_t { return c.refused; }},
    {"sluice_network_buffers_empty_total", "Receives that had to wait for a free buffer.", MetricType::kCounter,
     [](const net::conn::Counters& c) -> uint64_t { return c.buffers_empty; }},
    {"sluice_network_receive_bytes_total", "Bytes received from clients.", MetricType::kCounter,
     [](const net::conn::Counters& c) -> uint64_t { return c.bytes_in; }},
    {"sluice_network_sends_total", "Send operations.", MetricType::kCounter,
     [](const net::conn::Counters& c) -> uint64_t { return c.sends; }},
    {"sluice_network_transmit_bytes_total", "Bytes sent to clients.", MetricType::kCounter,
     [](const net::conn::Counters& c) -> uint64_t { return c.bytes_out; }},
};

constexpr std::string_view kClosed = "sluice_connections_closed_total";
constexpr std::string_view kTurns = "sluice_loop_turn_seconds";
constexpr std::string_view kTurnMax = "sluice_loop_turn_max_seconds";
constexpr std::string_view kWorkerConnections = "sluice_worker_connections";

render::OwnFamily turn_histogram(const net::loop::WorkerGroup& group) {
  render::OwnFamily family{std::string(kTurns),
                           "Time from the kernel's return to the next trip into it, for each worker.",
                           MetricType::kHistogram,
                           {}};
  using net::loop::TurnTimes;
  for (uint32_t worker = 0; worker < group.workers(); ++worker) {
    const TurnTimes::Reading reading = group.turn_times(worker);
    const std::string index = std::to_string(worker);
    uint64_t cumulative = 0;
    for (size_t i = 0; i < TurnTimes::kBoundsNs.size(); ++i) {
      cumulative += reading.buckets[i];
      char bound[kGoFloatRoom];
      const size_t length = format_go_float(static_cast<double>(TurnTimes::kBoundsNs[i]) / 1e9, bound);
      append_count(family.lines, std::string(kTurns) + "_bucket", {{"worker", index}, {"le", {bound, length}}},
                   cumulative);
    }
    append_count(family.lines, std::string(kTurns) + "_bucket", {{"worker", index}, {"le", "+Inf"}}, reading.count);
    append_sample(family.lines, std::string(kTurns) + "_sum", {{"worker", index}},
                  static_cast<double>(reading.sum_ns) * 1e-9);
    append_count(family.lines, std::string(kTurns) + "_count", {{"worker", index}}, reading.count);
  }
  return family;
}

}  // namespace

void LoopMetrics::append(std::vector<render::OwnFamily>& families) const {
  for (const Simple& simple : kSimple) {
    uint64_t sum = 0;
    for (const net::conn::Counters* counters : counters_) sum += simple.read(*counters);
    render::OwnFamily family{std::string(simple.name), std::string(simple.help), simple.type, {}};
    append_count(family.lines, simple.name, {}, sum);
    families.push_back(std::move(family));
  }
  render::OwnFamily closed{std::string(kClosed), "Connections that ended, by reason.", MetricType::kCounter, {}};
  for (size_t reason = 0; reason < net::conn::kCloseReasons; ++reason) {
    uint64_t sum = 0;
    for (const net::conn::Counters* counters : counters_) sum += counters->closed[reason];
    append_count(closed.lines, kClosed,
                 {{"reason", net::conn::close_reason_name(static_cast<net::conn::CloseReason>(reason))}}, sum);
  }
  families.push_back(std::move(closed));
  families.push_back(turn_histogram(group_));
  render::OwnFamily longest{std::string(kTurnMax), "Longest turn so far, for each worker.", MetricType::kGauge, {}};
  render::OwnFamily connections{
      std::string(kWorkerConnections), "Connections open now, for each worker.", MetricType::kGauge, {}};
  for (uint32_t worker = 0; worker < group_.workers(); ++worker) {
    const std::string index = std::to_string(worker);
    append_sample(longest.lines, kTurnMax, {{"worker", index}},
                  static_cast<double>(group_.turn_times(worker).max_ns) * 1e-9);
    append_count(connections.lines, kWorkerConnections, {{"worker", index}}, group_.connections(worker));
  }
  families.push_back(std::move(longest));
  families.push_back(std::move(connections));
}

std::vector<store::OwnFamily> LoopMetrics::names() {
  std::vector<store::OwnFamily> names;
  for (const Simple& simple : kSimple) names.push_back({std::string(simple.name), simple.type});
  names.push_back({std::string(kClosed), MetricType::kCounter});
  names.push_back({std::string(kTurns), MetricType::kHistogram});
  names.push_back({std::string(kTurnMax), MetricType::kGauge});
  names.push_back({std::string(kWorkerConnections), MetricType::kGauge});
  return names;
}

}  // namespace sluice::tools
