// The body of GET /api/v1/metrics: every group of a snapshot as one JSON object, produced while it is being sent.
//
// As the reference's encoder writes it: keys sorted, that is the families of the group by name, the two push times and
// `labels` and `last_push_successful` among them (a family of one of the last two names takes its place). Groups come
// in the snapshot's order, the reference's is random; the metrics of a family in the scrape's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/model/version.h"
#include "core/store/snapshot.h"
#include "net/api/worker_context.h"
#include "net/http/exchange.h"
#include "parser/fragment_json.h"

namespace sluice::net::api {

// What a family of the JSON API begins with, without its brace: its push time, its type, its help if it has one, and
// the key of its metrics.
void append_family_fields(std::string& out, int64_t stamp_ns, model::MetricType type, std::string_view help);

// Holds the snapshot until the last byte is out or the client is gone. Memory: a few kilobytes, or one metric.
class MetricsJsonSource final : public http::BodySource {
 public:
  explicit MetricsJsonSource(WorkerContext& context) : open_(context.metrics) { request_.start(*context.writer); }
  ~MetricsJsonSource() override = default;
  MetricsJsonSource(const MetricsJsonSource&) = delete;
  MetricsJsonSource& operator=(const MetricsJsonSource&) = delete;

  [[nodiscard]] State produce(http::OutBuffer& out, Deadline deadline) override;

 private:
  enum class Phase : uint8_t { kSnapshot, kOpen, kGroup, kEntry, kMetrics, kClose, kDone };
  // What a group has beside its families, in the order of the keys.
  enum class Extra : uint8_t { kLabels, kLastPush, kFailureTime, kPushTime, kNone };

  // A bounded piece of work; appends to piece_ or not. False while the snapshot is waited for.
  [[nodiscard]] bool step(Deadline deadline);
  void next_group();
  void next_entry();
  void begin_family(uint32_t family);
  void write_extra(Extra extra);
  void write_time(std::string_view name, std::string_view help, int64_t time_ns);
  void begin_value(std::string_view key);

  OpenScrape open_;
  store::SnapshotRequest request_;
  store::SnapshotRef snapshot_;
  Phase phase_ = Phase::kSnapshot;

  // The place in the snapshot.
  size_t bucket_ = 0;
  size_t chunk_ = 0;
  size_t index_ = 0;
  bool first_group_ = true;

  // The group being written.
  const model::Version* version_ = nullptr;
  uint32_t family_ = 0;
  Extra extra_ = Extra::kLabels;
  bool first_entry_ = true;
  parser::FragmentJson fragment_;

  std::string piece_;  // written, not yet handed out
  size_t piece_at_ = 0;
};

}  // namespace sluice::net::api
