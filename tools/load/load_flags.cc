#include "tools/load/load_flags.h"

#include <fmt/format.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <chrono>
#include <map>
#include <optional>

#include "tools/go_duration.h"
#include "tools/version.h"

namespace sluice::tools::load {

namespace {

constexpr const char* kExamples = R"(Examples:
  sluice-load --max --duration 5s http://127.0.0.1:9091
      As many pushes as 16 connections get done, and a table of latencies.
  sluice-load --rate 1000 --arrivals poisson --groups 10000 --duration 5s --html report.html http://127.0.0.1:9091
      1,000 pushes a second at random times, and a report with plots.
  sluice-load --rate 500 --mix put=1,post=8,delete=1 --churn 5 --scrapers 1 --duration 5s http://127.0.0.1:9091
      A fleet of functions that come and go, while something scrapes.

Exit codes: 0 all well; 1 the gateway lost, doubled or invented something (the group is named); 2 wrong flags, or no
connection; 3 the load generator itself was late, so its figures mean nothing; 4 requests failed.)";

// What the command line said, before it is judged.
struct Raw {
  std::string url = "http://127.0.0.1:9091";
  std::string arrivals = "constant", duration = "10s", warmup = "1s", timeout = "30s", mix = "post=1", format = "text",
              encoding = "identity", scrape_encoding = "identity", scrape_interval = "0s", lateness_max = "10ms",
              backend = "auto";
  std::vector<std::string> sources;
  bool max = false, no_verify = false, version = false;
};

using Problem = std::optional<std::string>;

void add_load_options(CLI::App& app, Raw& raw, Options& options) {
  app.add_option("URL", raw.url, "The gateway. [http://127.0.0.1:9091]");
  app.add_option("--rate", options.rate, "Open loop: so many requests a second, whatever the gateway does.")
      ->type_name("PER_SECOND")
      ->check(CLI::Range(0.001, 1e9))
      ->group("Load");
  app.add_flag("--max", raw.max, "Closed loop: each connection sends as soon as it has an answer.")->group("Load");
  const auto text = [&](const char* name, std::string& into, const char* type, const char* group, const char* help) {
    app.add_option(name, into, help)->type_name(type)->group(group);
  };
  text("--arrivals", raw.arrivals, "KIND", "Load", "Of the open loop: constant or poisson. [constant]");
  text("--duration", raw.duration, "TIME", "Load", "How long to measure. [10s]");
  text("--warmup", raw.warmup, "TIME", "Load", "Load before that, which is not measured. [1s]");
  app.add_option("--count", options.count, "Measure so many requests instead of a time.")
      ->type_name("N")
      ->group("Load");
  app.add_option("--seed", options.seed, "Of everything random. [1]")->type_name("N")->group("Load");

  const auto number = [&](const char* name, uint32_t& into, uint32_t low, uint32_t high, const char* group,
                          const char* help) {
    app.add_option(name, into, help)->type_name("N")->check(CLI::Range(low, high))->group(group);
  };
  number("--connections", options.connections, 1, 20'000, "Connections", "Connections that push. [16]");
  number("--threads", options.threads, 1, 64, "Connections", "Threads that they are spread over. [1]");
  number("--pipeline", options.pipeline, 1, 1024, "Connections", "Requests in flight on each. [1]");
  app.add_flag("--connection-per-push", options.connection_per_push, "A new connection for each request.")
      ->group("Connections");
  app.add_option("--source", raw.sources, "Address of this machine to connect from; repeatable, taken in turn.")
      ->type_name("ADDRESS")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->allow_extra_args(false)
      ->group("Connections");
  text("--timeout", raw.timeout, "TIME", "Connections", "How long to wait for an answer. [30s]");
  text("--net.backend", raw.backend, "NAME", "Connections", "auto, io_uring or epoll. [auto]");
}

void add_work_options(CLI::App& app, Raw& raw, Options& options) {
  app.add_option("--groups", options.groups, "Groups alive at a time. [1000]")
      ->type_name("N")
      ->check(CLI::Range(uint64_t{1}, uint64_t{20'000'000}))
      ->group("Work");
  app.add_option("--zipf", options.zipf, "Popularity of groups: exponent of Zipf's law, 0 is uniform. [0]")
      ->type_name("S")
      ->check(CLI::Range(0.0, 10.0))
      ->group("Work");
  const auto percent = [&](const char* name, double& into, const char* help) {
    app.add_option(name, into, help)->type_name("PERCENT")->check(CLI::Range(0.0, 100.0))->group("Work");
  };
  percent("--churn", options.churn_percent, "Requests that delete the oldest group; a new one follows at once. [0]");
  app.add_flag("--fill", options.fill, "Push every group once before the start.")->group("Work");
  const auto text = [&](const char* name, std::string& into, const char* type, const char* group, const char* help) {
    app.add_option(name, into, help)->type_name(type)->group(group);
  };
  text("--mix", raw.mix, "SHARES", "Work", "Shares of the methods: put=1,post=8,delete=1. [post=1]");
  text("--body", options.body_name, "NAME", "Work",
       "s (10 gauges, 1.2 KB), samples40 (4 KB), histograms (10 KB), large (15,000 gauges, 1.5 MB), one, or file:PATH; "
       "{{seq}} in a file stands for the number of the push. [s]");
  text("--format", raw.format, "NAME", "Work", "text or protobuf. [text]");
  text("--encoding", raw.encoding, "NAME", "Work", "Of pushes: identity or gzip. [identity]");
  percent("--invalid", options.invalid_percent, "Pushes that are no metrics; a 400 is right. [0]");
  percent("--conflicting", options.conflicting_percent, "Pushes that contradict a type; a 400 is right. [0]");
  text("--job", options.job, "NAME", "Work", "Of all groups. [load_ and something new each time]");

  const auto number = [&](const char* name, uint32_t& into, const char* help) {
    app.add_option(name, into, help)->type_name("N")->check(CLI::Range(0u, 20'000u))->group("Beside the load");
  };
  number("--scrapers", options.side.scrapers, "Connections that scrape, one scrape after the other. [0]");
  number("--slow-readers", options.side.slow_readers, "Scrapes that are read with 200 KB/s. [0]");
  number("--slow-senders", options.side.slow_senders, "Pushes that take two seconds to arrive. [0]");
  number("--idle", options.side.idle, "Connections that do nothing. [0]");
  text("--scrape-encoding", raw.scrape_encoding, "NAME", "Beside the load", "identity or gzip. [identity]");
  text("--scrape-interval", raw.scrape_interval, "TIME", "Beside the load", "Between two scrapes. [0s]");

  app.add_flag("--no-verify", raw.no_verify, "Do not scrape afterwards to see whether everything is there.")
      ->group("Result");
  text("--ledger", options.ledger_file, "FILE", "Result",
       "Write what was sent and acknowledged, so that a later process can verify it.");
  text("--verify-only", options.verify_only, "FILE", "Result",
       "No load: scrape, and see whether what such a file says is there, after a restart for example.");
  app.add_flag("--cleanup", options.cleanup, "Delete what was pushed.")->group("Result");
  text("--json", options.json_file, "FILE", "Result", "Write the result as JSON.");
  text("--html", options.html_file, "FILE", "Result", "Write a report with plots, one file without outside resources.");
  text("--latencies", options.latencies_file, "FILE", "Result",
       "Write every measured request as CSV: when it was planned (monotonic clock) and how long it took, in ns.");
  app.add_option("--server-pid", options.server_pid, "The gateway's process here: its CPU time per request.")
      ->type_name("PID")
      ->check(CLI::PositiveNumber)
      ->group("Result");
  text("--lateness-max", raw.lateness_max, "TIME", "Result",
       "The run is refused when 1 % of the requests of an open loop left later than this by our own fault. [10ms]");
}

Problem take_time(const std::string& text, const char* flag, std::chrono::nanoseconds& out) {
  const auto parsed = parse_go_duration(text);
  if (!parsed) return fmt::format("{}: {}", flag, parsed.error());
  if (parsed->count() < 0 || *parsed > std::chrono::hours(24 * 7)) {
    return fmt::format("{} {}: not between 0 and a week", flag, text);
  }
  out = *parsed;
  return std::nullopt;
}

template <typename Value>
Problem take_choice(const std::string& text, const char* flag, const std::map<std::string, Value>& choices,
                    Value& out) {
  const auto found = choices.find(text);
  if (found == choices.end()) {
    std::string names;
    for (const auto& [name, value] : choices) names += (names.empty() ? "" : ", ") + name;
    return fmt::format("{} {}: not one of {}", flag, text, names);
  }
  out = found->second;
  return std::nullopt;
}

Problem take_mix(const std::string& text, Mix& out) {
  out = {0, 0, 0};
  const std::map<std::string, uint32_t*> names = {{"put", &out.put}, {"post", &out.post}, {"delete", &out.remove}};
  for (size_t at = 0; at <= text.size();) {
    const size_t end = std::min(text.find(',', at), text.size());
    const std::string part = text.substr(at, end - at);
    const size_t equals = part.find('=');
    const auto name = names.find(part.substr(0, equals));
    char* rest = nullptr;
    const unsigned long share = equals == std::string::npos ? 0 : std::strtoul(part.c_str() + equals + 1, &rest, 10);
    if (name == names.end() || rest == nullptr || *rest != '\0' || rest == part.c_str() + equals + 1 || share > 1000) {
      return fmt::format("--mix '{}' is not a share of put, post or delete, as in put=1,post=8,delete=1", part);
    }
    *name->second = static_cast<uint32_t>(share);
    at = end + 1;
  }
  if (out.put + out.post == 0) return "--mix: without put and post there is nothing to delete";
  return std::nullopt;
}

// What contradicts itself.
Problem find_contradiction(const Raw& raw, const Options& options) {
  if (!options.verify_only.empty()) {
    if (raw.max || options.rate > 0) return "--verify-only makes no load: no --rate and no --max";
    return std::nullopt;
  }
  if (raw.max == (options.rate > 0)) return "give either --rate or --max";
  if (options.duration.count() == 0) return "--duration 0 measures nothing";
  if (options.timeout < std::chrono::milliseconds(1)) return "--timeout is below a millisecond";
  if (options.threads > options.connections) return "more --threads than --connections";
  if (options.threads > options.groups) return "more --threads than --groups";
  const uint64_t in_flight = uint64_t{options.connections} * options.pipeline;
  if (options.churn_percent > 0 && options.groups <= 2 * in_flight) {
    return fmt::format("--churn needs more than {} --groups, twice the requests in flight", 2 * in_flight);
  }
  if (options.connection_per_push && options.pipeline > 1) return "--connection-per-push has no --pipeline";
  if (options.conflicting_percent > 0 && (options.churn_percent > 0 || options.mix.remove > 0)) {
    return "--conflicting needs something that stays to contradict: no --churn and no delete in --mix";
  }
  for (const char letter : options.job) {
    const bool good = std::isalnum(static_cast<unsigned char>(letter)) != 0 || letter == '_' || letter == '-';
    if (!good) return fmt::format("--job {}: letters, digits, _ and - only", options.job);
  }
  return std::nullopt;
}

Problem judge(const Raw& raw, Options& options) {
  Problem bad;
  const auto check = [&](Problem found) {
    if (!bad) bad = std::move(found);
  };
  check(take_time(raw.duration, "--duration", options.duration));
  check(take_time(raw.warmup, "--warmup", options.warmup));
  check(take_time(raw.timeout, "--timeout", options.timeout));
  check(take_time(raw.scrape_interval, "--scrape-interval", options.side.scrape_interval));
  check(take_time(raw.lateness_max, "--lateness-max", options.lateness_max));
  using Choice = net::ring::BackendChoice;
  check(take_choice<ArrivalKind>(raw.arrivals, "--arrivals",
                                 {{"constant", ArrivalKind::kConstant}, {"poisson", ArrivalKind::kPoisson}},
                                 options.arrivals));
  check(take_choice<Choice>(raw.backend, "--net.backend",
                            {{"auto", Choice::kAuto}, {"io_uring", Choice::kIoUring}, {"epoll", Choice::kEpoll}},
                            options.backend));
  check(take_choice<BodyFormat>(raw.format, "--format",
                                {{"text", BodyFormat::kText}, {"protobuf", BodyFormat::kProtobuf}}, options.format));
  const std::map<std::string, bool> encodings = {{"identity", false}, {"gzip", true}};
  check(take_choice<bool>(raw.encoding, "--encoding", encodings, options.gzip));
  check(take_choice<bool>(raw.scrape_encoding, "--scrape-encoding", encodings, options.side.scrape_gzip));
  check(take_mix(raw.mix, options.mix));
  options.verify = !raw.no_verify;
  options.url = raw.url;
  if (options.job.empty()) {
    const auto since = std::chrono::system_clock::now().time_since_epoch();
    options.job =
        fmt::format("load_{:x}_{:x}", std::chrono::duration_cast<std::chrono::seconds>(since).count(), getpid());
  }
  check(find_contradiction(raw, options));
  if (bad) return bad;
  for (const std::string& source : raw.sources) {
    auto address = parse_source(source);
    if (!address) return fmt::format("--source: {}", address.error());
    options.sources.push_back(*address);
  }
  auto target = parse_target(raw.url);
  if (!target) return target.error();
  options.target = std::move(*target);
  return std::nullopt;
}

}  // namespace

Result<Options, LoadFlagExit> parse_load_flags(const std::vector<std::string>& arguments) {
  Raw raw;
  Options options;
  CLI::App app("sluice-load: pushes to a Prometheus Pushgateway or sluice, measures, and checks that nothing was lost",
               "sluice-load");
  app.set_help_flag("-h,--help", "Show this help.");
  app.add_flag("--version", raw.version, "Show the version.");
  app.footer(kExamples);
  add_load_options(app, raw, options);
  add_work_options(app, raw, options);
  const auto wrong = [](std::string_view text) {
    return LoadFlagExit{2, fmt::format("sluice-load: error: {}, try --help\n", text)};
  };
  try {
    // The library takes the arguments in reverse.
    std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
    app.parse(reversed);
  } catch (const CLI::CallForHelp&) {
    return std::unexpected(LoadFlagExit{0, app.help()});
  } catch (const CLI::ParseError& error) {
    return std::unexpected(wrong(error.what()));
  }
  if (raw.version) return std::unexpected(LoadFlagExit{0, fmt::format("sluice-load, version {}\n", kVersion)});
  if (auto problem = judge(raw, options)) return std::unexpected(wrong(*problem));
  return options;
}

}  // namespace sluice::tools::load
