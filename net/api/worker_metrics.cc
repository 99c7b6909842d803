#include "net/api/worker_metrics.h"

namespace sluice::net::api {
namespace {

size_t index_of(http::Method method) noexcept {
  switch (method) {
    case http::Method::kDelete:
      return static_cast<size_t>(MethodName::kDelete);
    case http::Method::kOptions:
      return static_cast<size_t>(MethodName::kOptions);
    case http::Method::kPost:
      return static_cast<size_t>(MethodName::kPost);
    case http::Method::kPut:
      return static_cast<size_t>(MethodName::kPut);
    default:
      return static_cast<size_t>(MethodName::kGet);
  }
}

}  // namespace

void WorkerMetrics::count_scrape_cache(const render::CacheCounts& counts) noexcept {
  scrape_cache_hits.add(counts.hits);
  scrape_cache_joins.add(counts.joins);
  scrape_cache_misses.add(counts.misses);
  scrape_cache_dropped.add(counts.dropped);
  scrape_blocks_helped.add(counts.helped);
  scrape_cache_bytes.add(counts.bytes);
}

void WorkerMetrics::count_request(HandlerName handler, http::Method method, int status) noexcept {
  for (size_t i = 0; i < kCountedCodes.size(); ++i) {
    if (kCountedCodes[i] == status) requests[static_cast<size_t>(handler)][index_of(method)][i].add(1);
  }
}

}  // namespace sluice::net::api
