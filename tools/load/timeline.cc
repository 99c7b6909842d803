#include "tools/load/timeline.h"

#include <utility>

namespace sluice::tools::load {

Interval& Timeline::interval_at(int64_t at_ns) {
  if (at_ns < 0) at_ns = 0;
  while (at_ns / interval_ns_ >= static_cast<int64_t>(kIntervalsMax)) join_neighbours();
  const auto index = static_cast<size_t>(at_ns / interval_ns_);
  if (index >= intervals_.size()) intervals_.resize(index + 1);
  return intervals_[index];
}

void Timeline::join_neighbours() {
  for (size_t i = 0; i < intervals_.size(); i += 2) {
    if (i > 0) intervals_[i / 2] = std::move(intervals_[i]);
    if (i + 1 >= intervals_.size()) continue;
    intervals_[i / 2].latency.merge(intervals_[i + 1].latency);
    intervals_[i / 2].failed += intervals_[i + 1].failed;
  }
  intervals_.resize((intervals_.size() + 1) / 2);
  interval_ns_ *= 2;
}

void Timeline::merge(const Timeline& other) {
  Timeline theirs = other;
  while (theirs.interval_ns_ < interval_ns_) theirs.join_neighbours();
  while (interval_ns_ < theirs.interval_ns_) join_neighbours();
  if (intervals_.size() < theirs.intervals_.size()) intervals_.resize(theirs.intervals_.size());
  for (size_t i = 0; i < theirs.intervals_.size(); ++i) {
    intervals_[i].latency.merge(theirs.intervals_[i].latency);
    intervals_[i].failed += theirs.intervals_[i].failed;
  }
}

}  // namespace sluice::tools::load
