// What the endpoints of one worker work with. One per worker, made before it starts, used by its thread alone.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "core/render/scrape_helper.h"
#include "core/store/store.h"
#include "net/api/memory_guard.h"
#include "net/api/worker_metrics.h"
#include "net/conn/body_buffer.h"
#include "parser/names.h"
#include "parser/skeleton_cache.h"
#include "parser/skeleton_large.h"

namespace sluice::net::api {

class AccessControl;
class Durability;
class PushScratch;
class Gateway;

// Keeps the parser's and canonicaliser's tables from push to push. A push borrows one for as long as it runs; a long
// one that is sliced keeps its own while short ones pass by.
class ScratchPool {
 public:
  ScratchPool();
  ~ScratchPool();
  ScratchPool(const ScratchPool&) = delete;
  ScratchPool& operator=(const ScratchPool&) = delete;

  // `body_bytes` of the push: one that may need large tables gets those of the last that did.
  [[nodiscard]] std::unique_ptr<PushScratch> take(size_t body_bytes);
  // Keeps it for the next push, unless enough wait already. Of those that have grown large one is kept, and not for
  // long: while large pushes come one after the other, mapping its memory anew for each would be a third of their cost.
  void give(std::unique_ptr<PushScratch> scratch);
  // Once a second: frees a large one that was not used for some seconds.
  void age() noexcept;

 private:
  std::vector<std::unique_ptr<PushScratch>> free_;
  std::unique_ptr<PushScratch> large_;
  int unused_seconds_ = 0;  // since large_ was given
};

struct WorkerContext {
  WorkerContext(Gateway& gateway_in, parser::NameScheme names_in) : gateway(gateway_in), names(names_in) {}

  Gateway& gateway;
  std::unique_ptr<store::Writer> writer;  // made and destroyed on the worker's thread, by its loop hooks
  parser::NameScheme names;
  WorkerMetrics metrics;
  ScratchPool scratches;
  MemoryWatch memory;
  parser::SkeletonCache skeletons;
  parser::LargeSkeletons large_skeletons;
  const Durability* durability = nullptr;  // none: the state is kept in memory alone
  AccessControl* access = nullptr;         // none: nobody is asked who it is; set before it starts
  conn::BodyPool* bodies = nullptr;        // the worker's, for decoded bodies; set before it starts
  render::ScrapeHelper scrape_helper;
  std::function<void()> call_help;  // wakes a worker that waits, for ScrapeCache::help(); set before it starts or empty
};

}  // namespace sluice::net::api
