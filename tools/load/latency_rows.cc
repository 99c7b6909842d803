#include "tools/load/latency_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace sluice::tools::load {

void LatencyRows::expect(double rows) {
  rows_.reserve(static_cast<size_t>(std::clamp(rows, 0.0, static_cast<double>(rows_max_))));
}

void LatencyRows::merge(const LatencyRows& other) {
  const size_t taken = std::min(other.rows_.size(), rows_max_ - rows_.size());
  rows_.insert(rows_.end(), other.rows_.begin(), other.rows_.begin() + static_cast<ptrdiff_t>(taken));
  left_out_ += other.left_out_ + (other.rows_.size() - taken);
}

std::string LatencyRows::csv() const {
  std::string out = "planned_ns,latency_ns\n";
  for (const Row& row : rows_) fmt::format_to(std::back_inserter(out), "{},{}\n", row.planned_ns, row.latency_ns);
  return out;
}

}  // namespace sluice::tools::load
