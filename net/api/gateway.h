// The gateway: one store, and for each worker a Handler that answers its requests. The only place where net, parser and
// core meet.
//
// Lifetime: made by main before the workers and destroyed after them. Threads: make_handler() on the main thread; each
// handler, its context and its hooks then belong to one worker; figures of all workers are read by any scrape.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/base/limit_table.h"
#include "core/base/limits.h"
#include "core/render/own_family.h"
#include "core/render/scrape_cache.h"
#include "core/store/journal.h"
#include "core/store/store.h"
#include "core/sync/keyed_rates.h"
#include "net/api/help_conflicts.h"
#include "net/api/memory_guard.h"
#include "net/api/rate_history.h"
#include "net/api/reject_log.h"
#include "net/api/router.h"
#include "net/api/served_paths.h"
#include "net/api/worker_context.h"
#include "net/http/exchange.h"
#include "net/loop/service.h"
#include "parser/names.h"

namespace sluice::net::api {

struct BuildInfo {
  std::string version;
  std::string revision;
  std::string architecture;  // as Go names it
};

// What other folders know and a scrape shows; called on the worker that serves the scrape.
using ExtraFamilies = std::function<void(std::vector<render::OwnFamily>&)>;

struct GatewayOptions {
  RouterOptions router;
  std::vector<Serves> listeners;  // of each listen address, by its index; those behind the end serve all
  parser::NameScheme names = parser::NameScheme::kLegacy;
  bool enable_lifecycle = false;
  uint32_t workers = 1;
  uint32_t more_writers = 0;      // threads beside the workers that read or write the store
  bool consistency_check = true;  // false: --push.disable-consistency-check
  limits::Values limits;
  size_t scrape_cache_bytes = limits::kScrapeCacheBytes;
  size_t failure_details_max = limits::kFailureDetails;  // groups
  BuildInfo build;
  std::vector<std::pair<std::string, std::string>> flags;  // names and values, for the status
  std::string backend;                                     // for sluice_backend_info
  std::string kernel;                                      // for sluice_kernel_info
  std::function<void()> on_quit;                           // an enabled /-/quit was called; any worker
  ExtraFamilies extra;                                     // connections, loop turn times
  std::vector<store::OwnFamily> extra_names;               // names and types of what `extra` adds
};

class Gateway {
 public:
  explicit Gateway(GatewayOptions options);
  ~Gateway();
  Gateway(const Gateway&) = delete;
  Gateway& operator=(const Gateway&) = delete;

  [[nodiscard]] WorkerContext& context(uint32_t worker) noexcept { return *contexts_[worker]; }
  // Before make_handler() and make_hooks(): what workers change is told to it, and answered when it says so. Outlives
  // them.
  void set_durability(Durability& durability) noexcept;
  // `worker` below GatewayOptions::workers, each once.
  [[nodiscard]] std::unique_ptr<http::Handler> make_handler(uint32_t worker);
  // Ties the worker's store Writer to its loop.
  [[nodiscard]] std::unique_ptr<loop::EpochHooks> make_hooks(uint32_t worker);

  [[nodiscard]] const GatewayOptions& options() const noexcept { return options_; }
  [[nodiscard]] int64_t start_wall_ns() const noexcept { return start_wall_ns_; }
  [[nodiscard]] const Router& router() const noexcept { return router_; }
  [[nodiscard]] store::Store& store() noexcept { return store_; }
  [[nodiscard]] render::ScrapeCache& scrape_cache() noexcept { return scrape_cache_; }
  [[nodiscard]] MemoryGuard& memory() noexcept { return memory_; }
  // Of what is limited by the second.
  [[nodiscard]] sync::KeyedRates& address_rates() noexcept { return address_rates_; }
  [[nodiscard]] sync::KeyedRates& job_rates() noexcept { return job_rates_; }
  // Scrapes and answers of the JSON API that are under way on all workers.
  [[nodiscard]] uint64_t open_scrapes() const noexcept;
  [[nodiscard]] HelpConflicts& help_conflicts() noexcept { return help_conflicts_; }
  [[nodiscard]] RejectLog& rejects() noexcept { return rejects_; }
  [[nodiscard]] RateHistory& rates() noexcept { return rates_; }
  [[nodiscard]] const std::vector<std::unique_ptr<WorkerContext>>& contexts() const noexcept { return contexts_; }

 private:
  GatewayOptions options_;
  Router router_;
  int64_t start_wall_ns_;
  store::Store store_;
  MemoryGuard memory_;
  sync::KeyedRates address_rates_;
  sync::KeyedRates job_rates_;
  HelpConflicts help_conflicts_;
  RejectLog rejects_;
  RateHistory rates_;
  render::ScrapeCache scrape_cache_;
  std::vector<std::unique_ptr<WorkerContext>> contexts_;
  Durability* durability_ = nullptr;
};

}  // namespace sluice::net::api
