// Every measured latency of a run, for --latencies: what a histogram cannot say is which requests were under way at a
// moment that something else knows about (a pause of the machine, a scrape, a deployment).
//
// CSV, a line for each measured request that was answered as it should be, in the order of the answers of each thread:
//
//     planned_ns,latency_ns
//
// `planned_ns` is on the monotonic clock (CLOCK_MONOTONIC), which other programs of the machine can read too; in a
// closed loop it is when the request was sent. Bounded: what comes after kRowsMax rows is only counted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace sluice::tools::load {

class LatencyRows {
 public:
  // 320 MB.
  static constexpr size_t kRowsMax = 20'000'000;

  explicit LatencyRows(size_t rows_max = kRowsMax) : rows_max_(rows_max) {}

  // Room for so many from the start, so that none is moved while latencies are measured.
  void expect(double rows);
  void record(int64_t planned_ns, int64_t latency_ns) {
    if (rows_.size() < rows_max_) {
      rows_.push_back({planned_ns, latency_ns});
    } else {
      ++left_out_;
    }
  }
  // The other's behind these.
  void merge(const LatencyRows& other);

  [[nodiscard]] size_t size() const noexcept { return rows_.size(); }
  [[nodiscard]] uint64_t left_out() const noexcept { return left_out_; }
  [[nodiscard]] std::string csv() const;

 private:
  struct Row {
    int64_t planned_ns;
    int64_t latency_ns;
  };
  size_t rows_max_;
  std::vector<Row> rows_;
  uint64_t left_out_ = 0;
};

}  // namespace sluice::tools::load
