// What the endpoints of one worker work with. One per worker, made before it starts, used by its thread alone.
#pragma once

#include <memory>
#include <vector>

#include "core/store/store.h"
#include "net/api/worker_metrics.h"
#include "net/conn/body_buffer.h"
#include "parser/names.h"
#include "parser/skeleton_cache.h"

namespace sluice::net::api {

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

  [[nodiscard]] std::unique_ptr<PushScratch> take();
  // Keeps it for the next push, unless enough wait already or it has grown large.
  void give(std::unique_ptr<PushScratch> scratch);

 private:
  std::vector<std::unique_ptr<PushScratch>> free_;
};

struct WorkerContext {
  WorkerContext(Gateway& gateway_in, parser::NameScheme names_in) : gateway(gateway_in), names(names_in) {}

  Gateway& gateway;
  std::unique_ptr<store::Writer> writer;  // made and destroyed on the worker's thread, by its loop hooks
  parser::NameScheme names;
  WorkerMetrics metrics;
  ScratchPool scratches;
  parser::SkeletonCache skeletons;
  conn::BodyPool* bodies = nullptr;  // the worker's, for decoded bodies; set before it starts
};

}  // namespace sluice::net::api
