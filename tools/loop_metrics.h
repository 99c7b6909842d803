// The loop's and the connections' figures as own metrics: sluice_loop_turn_seconds, sluice_connections and the like.
#pragma once

#include <vector>

#include "core/render/own_family.h"
#include "core/store/store.h"
#include "net/conn/counters.h"
#include "net/loop/worker_group.h"

namespace sluice::tools {

// Made before the workers, outlives them. add() on the main thread before they start; append() from any worker.
class LoopMetrics {
 public:
  explicit LoopMetrics(const net::loop::WorkerGroup& group) : group_(group) {}

  // The counters of one worker's connections.
  void add(const net::conn::Counters& counters) { counters_.push_back(&counters); }
  void append(std::vector<render::OwnFamily>& families) const;
  [[nodiscard]] static std::vector<store::OwnFamily> names();

 private:
  const net::loop::WorkerGroup& group_;
  std::vector<const net::conn::Counters*> counters_;
};

}  // namespace sluice::tools
