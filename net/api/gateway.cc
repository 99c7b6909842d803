#include "net/api/gateway.h"

#include <utility>

#include "core/base/clock.h"
#include "core/base/large_memory.h"
#include "net/api/api_handler.h"
#include "net/api/durability.h"
#include "net/api/own_metrics.h"

namespace sluice::net::api {
namespace {

// 4,096 buckets, 256 KiB: room for 32,768 addresses, or jobs, that are busy within the same second.
constexpr unsigned kRateBits = 12;

store::Options store_options(const GatewayOptions& options) {
  store::Options out;
  out.writers_max = options.workers + options.more_writers;
  out.check = options.consistency_check;
  out.limits = options.limits;
  out.own_families = own_family_names();
  out.own_families.insert(out.own_families.end(), options.extra_names.begin(), options.extra_names.end());
  return out;
}

// Passes the loop's life on to the store's reclamation: the thread's Writer lives from the first turn to the last.
class StoreHooks final : public loop::EpochHooks {
 public:
  StoreHooks(WorkerContext& context, store::Store& store, store::Journal* journal)
      : context_(context), store_(store), journal_(journal) {}

  void enter() override {
    context_.writer = std::make_unique<store::Writer>(store_);
    context_.writer->set_journal(journal_);
  }
  void quiescent(bool contended) override {
    context_.writer->quiescent(contended);
    // The clock is read once in 64 turns: housekeeping once a second is often enough.
    if (++turns_ % 64 != 0) return;
    const int64_t now_ns = monotonic_ns();
    if (now_ns < next_housekeeping_ns_) return;
    next_housekeeping_ns_ = now_ns + 1'000'000'000;
    context_.writer->housekeep();
    context_.scratches.age();
    context_.large_skeletons.age();
    context_.gateway.memory().sample();
    if (context_.gateway.memory().pressure() != store::Pressure::kNone) context_.large_skeletons.drop_one();
    age_large_memory();
    render::CacheCounts counts;
    context_.gateway.scrape_cache().housekeep(counts);
    context_.metrics.count_scrape_cache(counts);
    context_.scrape_helper.trim();
    context_.gateway.rates().tick(context_.gateway, now_ns);
  }
  void offline() override { context_.writer->offline(); }
  void online() override { context_.writer->online(); }
  void leave() override { context_.writer.reset(); }
  bool help(Deadline deadline) override {
    render::CacheCounts counts;
    const bool more = context_.gateway.scrape_cache().help(context_.scrape_helper, deadline, counts);
    context_.metrics.count_scrape_cache(counts);
    return more;
  }

 private:
  WorkerContext& context_;
  store::Store& store_;
  store::Journal* const journal_;  // nullptr for none
  uint64_t turns_ = 0;
  int64_t next_housekeeping_ns_ = 0;
};

}  // namespace

Gateway::Gateway(GatewayOptions options)
    : options_(std::move(options)),
      router_(options_.router),
      start_wall_ns_(wall_ns()),
      store_(store_options(options_)),
      memory_(store_, options_.limits[limits::Limit::kMemory]),
      address_rates_(options_.limits[limits::Limit::kRequestsPerAddress], kRateBits, monotonic_ns()),
      job_rates_(options_.limits[limits::Limit::kPushesPerJob], kRateBits, monotonic_ns()),
      rejects_(options_.failure_details_max),
      scrape_cache_(options_.scrape_cache_bytes) {
  for (uint32_t i = 0; i < options_.workers; ++i) {
    contexts_.push_back(std::make_unique<WorkerContext>(*this, options_.names));
  }
}

Gateway::~Gateway() = default;

uint64_t Gateway::open_scrapes() const noexcept {
  int64_t sum = 0;
  for (const auto& context : contexts_) sum += context->metrics.open_scrapes.get();
  return sum > 0 ? static_cast<uint64_t>(sum) : 0;
}

void Gateway::set_durability(Durability& durability) noexcept {
  durability_ = &durability;
  for (const auto& context : contexts_) context->durability = &durability;
}

std::unique_ptr<http::Handler> Gateway::make_handler(uint32_t worker) {
  return std::make_unique<ApiHandler>(*contexts_[worker]);
}

std::unique_ptr<loop::EpochHooks> Gateway::make_hooks(uint32_t worker) {
  store::Journal* const journal = durability_ != nullptr ? &durability_->log(worker) : nullptr;
  return std::make_unique<StoreHooks>(*contexts_[worker], store_, journal);
}

}  // namespace sluice::net::api
