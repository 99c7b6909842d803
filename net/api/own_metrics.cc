#include "net/api/own_metrics.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "core/base/clock.h"
#include "core/base/limit_table.h"
#include "core/base/log.h"
#include "net/api/family_text.h"
#include "net/api/gateway.h"
#include "net/api/process_metrics.h"

namespace sluice::net::api {
namespace {

using model::MetricType;

struct Description {
  std::string_view name;
  MetricType type;
  std::string_view help;
};

// Help texts of the first three groups are the reference's.
constexpr Description kDescriptions[] = {
    {"process_cpu_seconds_total", MetricType::kCounter, "Total user and system CPU time spent in seconds."},
    {"process_max_fds", MetricType::kGauge, "Maximum number of open file descriptors."},
    {"process_network_receive_bytes_total", MetricType::kCounter,
     "Number of bytes received by the process over the network."},
    {"process_network_transmit_bytes_total", MetricType::kCounter,
     "Number of bytes sent by the process over the network."},
    {"process_open_fds", MetricType::kGauge, "Number of open file descriptors."},
    {"process_resident_memory_bytes", MetricType::kGauge, "Resident memory size in bytes."},
    {"process_start_time_seconds", MetricType::kGauge, "Start time of the process since unix epoch in seconds."},
    {"process_virtual_memory_bytes", MetricType::kGauge, "Virtual memory size in bytes."},
    {"process_virtual_memory_max_bytes", MetricType::kGauge, "Maximum amount of virtual memory available in bytes."},
    {"pushgateway_build_info", MetricType::kGauge,
     "A metric with a constant '1' value labeled by version, revision, branch, goversion from which pushgateway was "
     "built, and the goos and goarch for the build."},
    {"pushgateway_http_push_duration_seconds", MetricType::kSummary,
     "HTTP request duration for pushes to the Pushgateway."},
    {"pushgateway_http_push_size_bytes", MetricType::kSummary, "HTTP request size for pushes to the Pushgateway."},
    {"pushgateway_http_requests_total", MetricType::kCounter,
     "Total HTTP requests processed by the Pushgateway, excluding scrapes."},
    {"sluice_backend_info", MetricType::kGauge, "The I/O backend in use, as a label of a constant 1."},
    {"sluice_failure_details_dropped_total", MetricType::kCounter,
     "Last errors of failed groups that were not kept or had to give way."},
    {"sluice_groups", MetricType::kGauge, "Groups stored now."},
    {"sluice_groups_failed", MetricType::kGauge, "Groups that have never been pushed to with success."},
    {"sluice_kernel_info", MetricType::kGauge, "The parser's kernel in use, as a label of a constant 1."},
    {"sluice_limit_refusals_total", MetricType::kCounter,
     "What was refused, closed or kept waiting at a limit of --limits.*, by its name."},
    {"sluice_log_lines_dropped_total", MetricType::kCounter,
     "Log lines lost because the reader of stderr was too slow."},
    {"sluice_memory_limit_bytes", MetricType::kGauge,
     "Resident memory near which pushes that grow are refused; 0 for no limit."},
    {"sluice_memory_used_bytes", MetricType::kGauge,
     "Resident memory without what the store has free in it, as last read; 0 without a limit."},
    {"sluice_pushes_rejected_total", MetricType::kCounter, "Pushes that were not stored, by reason."},
    {"sluice_pushes_reparsed_total", MetricType::kCounter, "Push bodies that the fast parser left to the exact one."},
    {"sluice_pushes_repeated_total", MetricType::kCounter,
     "Push bodies that repeated an earlier one but for the numbers, and were compared instead of parsed."},
    {"sluice_samples", MetricType::kGauge, "Lines of text stored now."},
    {"sluice_scrape_blocks_helped_total", MetricType::kCounter,
     "Blocks of scrape bodies that workers with nothing else to do have compressed."},
    {"sluice_scrape_bytes_total", MetricType::kCounter, "Bytes of scrape bodies as sent."},
    {"sluice_scrape_cache_bytes", MetricType::kGauge, "Bytes of scrape bodies that are kept for other scrapes."},
    {"sluice_scrape_cache_dropped_total", MetricType::kCounter,
     "Scrape bodies that were not kept, or not any more, because of the limit."},
    {"sluice_scrape_cache_hits_total", MetricType::kCounter, "Scrapes whose body was there already."},
    {"sluice_scrape_cache_joins_total", MetricType::kCounter,
     "Scrapes that shared the body that another scrape was making."},
    {"sluice_scrape_cache_misses_total", MetricType::kCounter, "Scrapes that had to make their body."},
    {"sluice_scrape_fragments_left_out_total", MetricType::kCounter,
     "Families of single groups that a scrape left out because their type differed from the family's."},
    {"sluice_scrapes", MetricType::kGauge, "Scrapes and answers of /api/v1/metrics that are under way."},
    {"sluice_scrapes_total", MetricType::kCounter, "Scrapes begun."},
    {"sluice_series", MetricType::kGauge, "Pushed series stored now."},
    {"sluice_store_bytes", MetricType::kGauge,
     "Memory of stored groups, what snapshots and readers still hold included."},
    {"sluice_store_compactions_total", MetricType::kCounter, "Group versions that copied fragments of older blocks."},
    {"sluice_store_conflicts_total", MetricType::kCounter, "Pushes that were inconsistent with another group."},
    {"sluice_store_contention_total", MetricType::kCounter,
     "Mutations that had to be computed again because another worker was faster."},
    {"sluice_store_limit_hits_total", MetricType::kCounter, "Pushes refused because a limit was reached."},
    {"sluice_store_mutations_total", MetricType::kCounter, "Changes of groups: pushes, deletes, failures."},
    {"sluice_store_parks_total", MetricType::kCounter, "Steps of pushes that had to wait for another worker."},
    {"sluice_store_shapes", MetricType::kGauge, "Distinct lists of families in use."},
    {"sluice_store_snapshots", MetricType::kGauge, "Snapshots alive now."},
    {"sluice_store_versions_retired", MetricType::kGauge, "Replaced group versions that are not freed yet."},
    {"sluice_text_bytes", MetricType::kGauge, "Text of all stored series."},
};

// Collects lines by family; the order of kDescriptions is the order of the names.
class Lines {
 public:
  std::string& of(std::string_view name) {
    const auto found = std::ranges::find(kDescriptions, name, &Description::name);
    return text_[static_cast<size_t>(found - std::begin(kDescriptions))];
  }
  void single(std::string_view name, double value) { append_sample(of(name), name, {}, value); }
  void single(std::string_view name, uint64_t value) { append_count(of(name), name, {}, value); }

  std::vector<render::OwnFamily> take() {
    std::vector<render::OwnFamily> families;
    for (size_t i = 0; i < std::size(kDescriptions); ++i) {
      if (text_[i].empty()) continue;
      families.push_back({std::string(kDescriptions[i].name), std::string(kDescriptions[i].help), kDescriptions[i].type,
                          std::move(text_[i])});
    }
    return families;
  }

 private:
  std::array<std::string, std::size(kDescriptions)> text_;
};

void add_process(Lines& lines) {
  const ProcessUsage usage = read_process_usage();
  lines.single("process_cpu_seconds_total", usage.cpu_seconds);
  lines.single("process_max_fds", usage.max_fds);
  lines.single("process_network_receive_bytes_total", usage.network_receive_bytes);
  lines.single("process_network_transmit_bytes_total", usage.network_transmit_bytes);
  lines.single("process_open_fds", usage.open_fds);
  lines.single("process_resident_memory_bytes", usage.resident_bytes);
  lines.single("process_start_time_seconds", usage.start_time_seconds);
  lines.single("process_virtual_memory_bytes", usage.virtual_bytes);
  lines.single("process_virtual_memory_max_bytes", usage.virtual_bytes_max);
}

void add_info(Lines& lines, const GatewayOptions& options) {
  constexpr std::string_view kName = "pushgateway_build_info";
  append_count(lines.of(kName), kName,
               {{"branch", ""},
                {"goarch", options.build.architecture},
                {"goos", "linux"},
                {"goversion", ""},
                {"revision", options.build.revision},
                {"tags", ""},
                {"version", options.build.version}},
               1);
  append_count(lines.of("sluice_backend_info"), "sluice_backend_info", {{"backend", options.backend}}, 1);
  append_count(lines.of("sluice_kernel_info"), "sluice_kernel_info", {{"kernel", options.kernel}}, 1);
}

void add_requests(Lines& lines, const Gateway& gateway) {
  constexpr std::string_view kName = "pushgateway_http_requests_total";
  std::string& out = lines.of(kName);
  // Labels sort by name: code, handler, method.
  for (size_t code = 0; code < kCountedCodes.size(); ++code) {
    for (size_t handler = 0; handler < kHandlerNames.size(); ++handler) {
      for (size_t method = 0; method < kMethodNames.size(); ++method) {
        uint64_t count = 0;
        for (const auto& context : gateway.contexts()) count += context->metrics.requests[handler][method][code].get();
        if (count == 0) continue;
        append_count(out, kName,
                     {{"code", std::to_string(kCountedCodes[code])},
                      {"handler", kHandlerNames[handler]},
                      {"method", kMethodNames[method]}},
                     count);
      }
    }
  }
}

// One method's part of a summary; nothing before the first observation. `unit` turns counts into the shown unit.
void add_summary(Lines& lines, std::string_view name, std::string_view method, double unit, const Gateway& gateway,
                 const Sketch& (*pick)(const WorkerMetrics&), int64_t now_ns) {
  std::vector<uint64_t> counts(Sketch::kBuckets);
  uint64_t count = 0;
  double sum = 0;
  for (const auto& context : gateway.contexts()) {
    const Sketch& sketch = pick(context->metrics);
    sketch.merge_into(counts, now_ns);
    count += sketch.count();
    sum += static_cast<double>(sketch.sum());
  }
  if (count == 0) return;
  std::string& out = lines.of(name);
  constexpr std::pair<double, std::string_view> kQuantiles[] = {{0.1, "0.1"}, {0.5, "0.5"}, {0.9, "0.9"}};
  for (const auto& [q, text] : kQuantiles) {
    append_sample(out, name, {{"method", method}, {"quantile", text}}, Sketch::quantile(counts, q) * unit);
  }
  append_sample(out, std::string(name) + "_sum", {{"method", method}}, sum * unit);
  append_count(out, std::string(name) + "_count", {{"method", method}}, count);
}

void add_summaries(Lines& lines, const Gateway& gateway) {
  const int64_t now_ns = monotonic_ns();
  constexpr std::string_view kDuration = "pushgateway_http_push_duration_seconds";
  constexpr std::string_view kSize = "pushgateway_http_push_size_bytes";
  add_summary(
      lines, kDuration, "post", 1e-9, gateway,
      [](const WorkerMetrics& m) -> const Sketch& { return m.post.duration_ns; }, now_ns);
  add_summary(
      lines, kDuration, "put", 1e-9, gateway, [](const WorkerMetrics& m) -> const Sketch& { return m.put.duration_ns; },
      now_ns);
  add_summary(
      lines, kSize, "post", 1, gateway, [](const WorkerMetrics& m) -> const Sketch& { return m.post.size_bytes; },
      now_ns);
  add_summary(
      lines, kSize, "put", 1, gateway, [](const WorkerMetrics& m) -> const Sketch& { return m.put.size_bytes; },
      now_ns);
}

void add_scrape_cache(Lines& lines, const Gateway& gateway) {
  render::CacheCounts sums;
  for (const auto& context : gateway.contexts()) {
    const WorkerMetrics& metrics = context->metrics;
    sums.hits += metrics.scrape_cache_hits.get();
    sums.joins += metrics.scrape_cache_joins.get();
    sums.misses += metrics.scrape_cache_misses.get();
    sums.dropped += metrics.scrape_cache_dropped.get();
    sums.helped += metrics.scrape_blocks_helped.get();
    sums.bytes += metrics.scrape_cache_bytes.get();
  }
  lines.single("sluice_scrape_cache_bytes", static_cast<uint64_t>(std::max<int64_t>(sums.bytes, 0)));
  lines.single("sluice_scrape_blocks_helped_total", sums.helped);
  lines.single("sluice_scrape_cache_dropped_total", sums.dropped);
  lines.single("sluice_scrape_cache_hits_total", sums.hits);
  lines.single("sluice_scrape_cache_joins_total", sums.joins);
  lines.single("sluice_scrape_cache_misses_total", sums.misses);
}

void add_limits(Lines& lines, const Gateway& gateway) {
  constexpr std::string_view kName = "sluice_limit_refusals_total";
  for (size_t i = 0; i < limits::kLimits; ++i) {
    uint64_t count = 0;
    for (const auto& context : gateway.contexts()) count += context->metrics.limit_refusals[i].get();
    append_count(lines.of(kName), kName, {{"limit", limits::kTable[i].name}}, count);
  }
}

void add_workers(Lines& lines, const Gateway& gateway) {
  std::array<uint64_t, 6> sums{};
  std::array<uint64_t, kRejectionNames.size()> rejections{};
  for (const auto& context : gateway.contexts()) {
    const WorkerMetrics& metrics = context->metrics;
    sums[0] += metrics.scrapes.get();
    sums[1] += metrics.scrape_bytes.get();
    sums[2] += metrics.pushes_reparsed.get();
    sums[3] += metrics.fragments_left_out.get();
    sums[4] += metrics.pushes_repeated.get();
    sums[5] += metrics.failure_details_dropped.get();
    for (size_t i = 0; i < rejections.size(); ++i) rejections[i] += metrics.rejections[i].get();
  }
  lines.single("sluice_scrapes_total", sums[0]);
  lines.single("sluice_failure_details_dropped_total", sums[5]);
  lines.single("sluice_scrapes", gateway.open_scrapes());
  add_scrape_cache(lines, gateway);
  lines.single("sluice_scrape_bytes_total", sums[1]);
  lines.single("sluice_pushes_reparsed_total", sums[2]);
  lines.single("sluice_pushes_repeated_total", sums[4]);
  lines.single("sluice_scrape_fragments_left_out_total", sums[3]);
  constexpr std::string_view kName = "sluice_pushes_rejected_total";
  for (size_t i = 0; i < rejections.size(); ++i) {
    append_count(lines.of(kName), kName, {{"reason", kRejectionNames[i]}}, rejections[i]);
  }
  lines.single("sluice_log_lines_dropped_total", log::dropped());
}

void add_store(Lines& lines, const store::Stats& stats) {
  lines.single("sluice_groups", stats.groups);
  lines.single("sluice_series", stats.series);
  lines.single("sluice_samples", stats.samples);
  lines.single("sluice_groups_failed", stats.failed_groups);
  lines.single("sluice_text_bytes", stats.text_bytes);
  lines.single("sluice_store_bytes", stats.bytes);
  lines.single("sluice_store_shapes", stats.shapes);
  lines.single("sluice_store_snapshots", stats.snapshots);
  lines.single("sluice_store_versions_retired", stats.versions_retired);
  lines.single("sluice_store_mutations_total", stats.mutations);
  lines.single("sluice_store_contention_total", stats.cas_failures);
  lines.single("sluice_store_conflicts_total", stats.conflicts);
  lines.single("sluice_store_limit_hits_total", stats.limit_hits);
  lines.single("sluice_store_parks_total", stats.parks);
  lines.single("sluice_store_compactions_total", stats.compactions);
}

}  // namespace

std::vector<store::OwnFamily> own_family_names() {
  std::vector<store::OwnFamily> names;
  for (const Description& description : kDescriptions)
    names.push_back({std::string(description.name), description.type});
  return names;
}

std::vector<render::OwnFamily> own_families(Gateway& gateway) {
  Lines lines;
  add_process(lines);
  add_info(lines, gateway.options());
  add_requests(lines, gateway);
  add_summaries(lines, gateway);
  add_limits(lines, gateway);
  add_workers(lines, gateway);
  add_store(lines, gateway.store().stats());
  lines.single("sluice_memory_limit_bytes", gateway.memory().limit_bytes());
  lines.single("sluice_memory_used_bytes", gateway.memory().used_bytes());
  std::vector<render::OwnFamily> families = lines.take();
  if (gateway.options().extra) gateway.options().extra(families);
  std::ranges::sort(families, {}, &render::OwnFamily::name);
  return families;
}

}  // namespace sluice::net::api
