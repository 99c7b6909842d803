#include "net/api/stats_json.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "core/base/clock.h"
#include "core/base/limit_table.h"
#include "net/api/api_answers.h"
#include "net/api/durability.h"
#include "net/api/gateway.h"
#include "net/api/process_metrics.h"
#include "parser/json_write.h"

namespace sluice::net::api {
namespace {

class Object {
 public:
  explicit Object(std::string& out) : out_(out) { out_ += '{'; }
  void key(std::string_view name) {
    if (!std::exchange(first_, false)) out_ += ',';
    parser::append_json_string(out_, name);
    out_ += ':';
  }
  void number(std::string_view name, uint64_t value) { key(name), parser::append_json_uint(out_, value); }
  void seconds(std::string_view name, double value) { key(name), parser::append_json_float(out_, value); }
  void text(std::string_view name, std::string_view value) { key(name), parser::append_json_string(out_, value); }
  void boolean(std::string_view name, bool value) { key(name), out_ += value ? "true" : "false"; }
  void end() { out_ += '}'; }

 private:
  std::string& out_;
  bool first_ = true;
};

// Samples without labels, as `"name":"value"`.
void append_durability(std::string& out, const Gateway& gateway) {
  const Durability* durability = gateway.contexts().front()->durability;
  Object object(out);
  object.boolean("enabled", durability != nullptr);
  if (durability != nullptr) {
    object.boolean("ready", durability->ready());
    object.boolean("refuses", durability->refuses());
    std::vector<render::OwnFamily> families;
    durability->append(families);
    object.key("metrics");
    Object metrics(out);
    for (const render::OwnFamily& family : families) {
      std::string_view line = family.lines;
      line = line.substr(0, line.find('\n'));
      const size_t blank = line.find(' ');
      if (blank == family.name.size()) metrics.text(family.name, line.substr(blank + 1));
    }
    metrics.end();
  }
  object.end();
}

// Each as its flag has it, times in seconds.
void append_limits(std::string& out, const limits::Values& values) {
  Object object(out);
  for (const limits::Entry& entry : limits::kTable) {
    std::string name(entry.name);
    std::ranges::replace(name, '-', '_');
    if (entry.unit == limits::Unit::kNanoseconds) {
      object.seconds(name + "_seconds", static_cast<double>(values[entry.limit]) / 1e9);
    } else {
      object.number(name, values[entry.limit]);
    }
  }
  object.end();
}

template <typename Pick>
void append_column(Object& object, std::string& out, std::string_view name, const std::vector<RateSample>& samples,
                   Pick pick) {
  object.key(name);
  out += '[';
  for (size_t i = 1; i < samples.size(); ++i) {
    if (i != 1) out += ',';
    pick(samples[i - 1], samples[i]);
  }
  out += ']';
}

// One value for each interval between two samples.
void append_history(std::string& out, const std::vector<RateSample>& samples) {
  Object object(out);
  object.number("interval_seconds", RateHistory::kIntervalNs / 1'000'000'000);
  append_column(object, out, "time", samples, [&out](const RateSample&, const RateSample& to) {
    parser::append_json_uint(out, static_cast<uint64_t>(to.wall_ns) / 1'000'000'000);
  });
  using Field = uint64_t RateSample::*;
  for (const auto& [name, field] : {std::pair<std::string_view, Field>{"pushes_per_second", &RateSample::pushes},
                                    {"rejects_per_second", &RateSample::rejects},
                                    {"deletes_per_second", &RateSample::deletes},
                                    {"scrapes_per_second", &RateSample::scrapes},
                                    {"push_bytes_per_second", &RateSample::push_bytes},
                                    {"scrape_bytes_per_second", &RateSample::scrape_bytes}}) {
    append_column(object, out, name, samples, [&out, field](const RateSample& from, const RateSample& to) {
      const double seconds = static_cast<double>(to.monotonic_ns - from.monotonic_ns) / 1e9;
      // Three decimals are plenty; plain digits, since JSON knows no others.
      const auto milli = static_cast<uint64_t>(static_cast<double>(to.*field - from.*field) / seconds * 1000);
      parser::append_json_uint(out, milli / 1000);
      if (milli % 1000 != 0) out += "." + std::to_string(1000 + milli % 1000).substr(1);
    });
  }
  for (const auto& [name, field] : {std::pair<std::string_view, Field>{"groups", &RateSample::groups},
                                    {"series", &RateSample::series},
                                    {"store_bytes", &RateSample::store_bytes}}) {
    append_column(object, out, name, samples,
                  [&out, field](const RateSample&, const RateSample& to) { parser::append_json_uint(out, to.*field); });
  }
  object.end();
}

void append_totals(Object& object, Gateway& gateway) {
  const store::Stats stats = gateway.store().stats();
  const RateSample now = take_sample(gateway);
  object.number("groups", stats.groups);
  object.number("series", stats.series);
  object.number("samples", stats.samples);
  object.number("store_bytes", stats.bytes);
  object.number("shapes", stats.shapes);
  object.number("mutations", stats.mutations);
  object.number("pushes", now.pushes);
  object.number("rejects", now.rejects);
  object.number("deletes", now.deletes);
  object.number("scrapes", now.scrapes);
  object.number("push_bytes", now.push_bytes);
  object.number("scrape_bytes", now.scrape_bytes);
}

}  // namespace

std::string stats_json(Gateway& gateway) {
  gateway.rates().tick(gateway, monotonic_ns());
  const GatewayOptions& options = gateway.options();
  const ProcessUsage process = read_process_usage();
  std::string out = R"({"status":"success","data":)";
  Object object(out);
  object.key("time");
  append_json_time(out, wall_ns());
  object.key("start_time");
  append_json_time(out, gateway.start_wall_ns());
  object.text("version", options.build.version);
  object.text("revision", options.build.revision);
  object.text("backend", options.backend);
  object.text("kernel", options.kernel);
  object.number("workers", options.workers);
  object.boolean("admin_api", options.router.enable_admin_api);
  object.boolean("consistency_check", options.consistency_check);
  append_totals(object, gateway);
  object.number("resident_bytes", process.resident_bytes);
  object.seconds("cpu_seconds", process.cpu_seconds);
  object.number("open_fds", process.open_fds);
  object.key("durability");
  append_durability(out, gateway);
  object.key("limits");
  append_limits(out, options.limits);
  object.key("history");
  append_history(out, gateway.rates().samples());
  object.end();
  out += '}';
  return out;
}

std::string errors_json(const std::vector<RejectLog::Recent>& rejects) {
  std::string out = R"({"status":"success","data":{"errors":[)";
  bool first = true;
  for (const RejectLog::Recent& reject : rejects) {
    if (!std::exchange(first, false)) out += ',';
    Object object(out);
    object.key("time");
    append_json_time(out, reject.time_ns);
    object.text("client", reject.client);
    object.text("method", reject.method);
    if (!reject.key.empty()) {
      object.key("labels");
      append_json_key(out, reject.key);
    } else {
      object.text("path", reject.path);
    }
    object.number("code", static_cast<uint64_t>(reject.status));
    object.text("reason", reject.reason);
    object.number("count", reject.count);
    object.end();
  }
  out += "]}}";
  return out;
}

}  // namespace sluice::net::api
