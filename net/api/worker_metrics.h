// The figures that one worker counts while it serves: written by that worker alone, read by any scrape.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "core/base/limit_table.h"
#include "core/render/scrape_cache.h"
#include "core/sync/single_writer.h"
#include "net/api/sketch.h"
#include "net/http/exchange.h"

namespace sluice::net::api {

// Label `handler` of pushgateway_http_requests_total. Scrapes are not counted there, as in the reference.
enum class HandlerName : uint8_t {
  kApiErrors,
  kApiGroup,
  kApiGroups,
  kApiJobs,
  kApiMetrics,
  kApiOpenApi,
  kApiOptions,
  kApiStats,
  kApiStatus,
  kDelete,
  kHealthy,
  kPush,
  kReady,
  kStatic,
  kStatus,
  kWipe,
  kCount
};
inline constexpr std::array<std::string_view, 16> kHandlerNames = {
    "api/v1/errors",  "api/v1/group", "api/v1/groups", "api/v1/jobs", "api/v1/metrics", "api/v1/openapi.json",
    "api/v1/options", "api/v1/stats", "api/v1/status", "delete",      "healthy",        "push",
    "ready",          "static",       "status",        "wipe"};
static_assert(kHandlerNames.size() == static_cast<size_t>(HandlerName::kCount));

// Label `code`.
inline constexpr std::array<uint16_t, 12> kCountedCodes = {200, 202, 400, 403, 404, 408, 409, 413, 414, 429, 500, 503};

// Label `method`.
enum class MethodName : uint8_t { kDelete, kGet, kOptions, kPost, kPut, kCount };
inline constexpr std::array<std::string_view, 5> kMethodNames = {"delete", "get", "options", "post", "put"};

// Why a push was not stored.
enum class Rejection : uint8_t { kMalformed, kInconsistent, kLimit, kTooLarge, kCount };
inline constexpr std::array<std::string_view, 4> kRejectionNames = {"malformed", "inconsistent", "limit", "too_large"};

// Duration and size of pushes with one method.
struct PushSketches {
  Sketch duration_ns;
  Sketch size_bytes;
};

struct WorkerMetrics {
  using Counter = sync::SingleWriter<uint64_t>;

  std::array<std::array<std::array<Counter, kCountedCodes.size()>, static_cast<size_t>(MethodName::kCount)>,
             static_cast<size_t>(HandlerName::kCount)>
      requests;
  std::array<Counter, static_cast<size_t>(Rejection::kCount)> rejections;
  std::array<Counter, limits::kLimits> limit_refusals;
  PushSketches put;
  PushSketches post;
  Counter failure_details_dropped;  // last errors of failed groups that were not kept, or gave way
  Counter scrapes;
  Counter scrape_bytes;        // of bodies, as sent
  Counter pushes_reparsed;     // bodies that the fast parser left to the exact one
  Counter pushes_repeated;     // bodies that were known but for their numbers
  Counter fragments_left_out;  // in scrapes: another type than their family's
  // Scrapes that found a complete body, one being made, none; bodies and windows that gave way to the limit.
  Counter scrape_cache_hits;
  Counter scrape_cache_joins;
  Counter scrape_cache_misses;
  Counter scrape_cache_dropped;
  Counter scrape_blocks_helped;  // compressed for another worker's scrape, or for one of its own that waited
  sync::SingleWriter<int64_t> open_scrapes;        // under way now
  sync::SingleWriter<int64_t> scrape_cache_bytes;  // net: one worker's may be negative

  void count_limit(limits::Limit limit) noexcept { limit_refusals[static_cast<size_t>(limit)].add(1); }
  void count_scrape_cache(const render::CacheCounts& counts) noexcept;
  // Statuses outside kCountedCodes do not occur on the counted handlers.
  void count_request(HandlerName handler, http::Method method, int status) noexcept;
};

// A scrape that is under way, as long as this lives.
class OpenScrape {
 public:
  explicit OpenScrape(WorkerMetrics& metrics) noexcept : metrics_(metrics) { metrics_.open_scrapes.add(1); }
  ~OpenScrape() { metrics_.open_scrapes.add(-1); }
  OpenScrape(const OpenScrape&) = delete;
  OpenScrape& operator=(const OpenScrape&) = delete;

 private:
  WorkerMetrics& metrics_;
};

}  // namespace sluice::net::api
