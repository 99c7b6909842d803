#include "tools/load/load_flags.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <limits>
#include <map>
#include <optional>

#include "tools/command_line/command_line.h"
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

void add_load_options(CommandLine& line, Raw& raw, Options& options) {
  const std::string load = "Load";
  const std::string connections = "Connections";
  line.text("URL", raw.url, {.text = "The gateway. [http://127.0.0.1:9091]"});
  line.number("--rate", options.rate, 0.001, 1e9,
              {"Open loop: so many requests a second, whatever the gateway does.", "PER_SECOND", load});
  line.flag("--max", raw.max,
            {.text = "Closed loop: each connection sends as soon as it has an answer.", .group = load});
  line.text("--arrivals", raw.arrivals, {"Of the open loop: constant or poisson. [constant]", "KIND", load});
  line.text("--duration", raw.duration, {"How long to measure. [10s]", "TIME", load});
  line.text("--warmup", raw.warmup, {"Load before that, which is not measured. [1s]", "TIME", load});
  line.number("--count", options.count, {"Measure so many requests instead of a time.", "N", load});
  line.number("--seed", options.seed, {"Of everything random. [1]", "N", load});

  const auto number = [&](const char* name, uint32_t& into, uint32_t most, const char* help) {
    line.number(name, into, 1u, most, {help, "N", connections});
  };
  number("--connections", options.connections, 20'000, "Connections that push. [16]");
  number("--threads", options.threads, 64, "Threads that they are spread over. [1]");
  number("--pipeline", options.pipeline, 1024, "Requests in flight on each. [1]");
  line.flag("--connection-per-push", options.connection_per_push,
            {.text = "A new connection for each request.", .group = connections});
  line.texts("--source", raw.sources,
             {"Address of this machine to connect from; repeatable, taken in turn.", "ADDRESS", connections});
  line.text("--timeout", raw.timeout, {"How long to wait for an answer. [30s]", "TIME", connections});
  line.text("--net.backend", raw.backend, {"auto, io_uring or epoll. [auto]", "NAME", connections});
}

void add_work_options(CommandLine& line, Raw& raw, Options& options) {
  const std::string work = "Work";
  line.number("--groups", options.groups, uint64_t{1}, uint64_t{20'000'000},
              {"Groups alive at a time. [1000]", "N", work});
  line.number("--zipf", options.zipf, 0.0, 10.0,
              {"Popularity of groups: exponent of Zipf's law, 0 is uniform. [0]", "S", work});
  const auto percent = [&](const char* name, double& into, const char* help) {
    line.number(name, into, 0.0, 100.0, {help, "PERCENT", work});
  };
  percent("--churn", options.churn_percent, "Requests that delete the oldest group; a new one follows at once. [0]");
  line.flag("--fill", options.fill, {.text = "Push every group once before the start.", .group = work});
  line.text("--mix", raw.mix, {"Shares of the methods: put=1,post=8,delete=1. [post=1]", "SHARES", work});
  line.text(
      "--body", options.body_name,
      {"s (10 gauges, 1.2 KB), samples40 (4 KB), histograms (10 KB), large (15,000 gauges, 1.5 MB), one, or file:PATH; "
       "{{seq}} in a file stands for the number of the push. [s]",
       "NAME", work});
  line.text("--format", raw.format, {"text or protobuf. [text]", "NAME", work});
  line.text("--encoding", raw.encoding, {"Of pushes: identity or gzip. [identity]", "NAME", work});
  percent("--invalid", options.invalid_percent, "Pushes that are no metrics; a 400 is right. [0]");
  percent("--conflicting", options.conflicting_percent, "Pushes that contradict a type; a 400 is right. [0]");
  line.text("--job", options.job, {"Of all groups. [load_ and something new each time]", "NAME", work});
}

void add_other_options(CommandLine& line, Raw& raw, Options& options) {
  const std::string beside = "Beside the load";
  const std::string result = "Result";
  const auto number = [&](const char* name, uint32_t& into, const char* help) {
    line.number(name, into, 0u, 20'000u, {help, "N", beside});
  };
  number("--scrapers", options.side.scrapers, "Connections that scrape, one scrape after the other. [0]");
  number("--slow-readers", options.side.slow_readers, "Scrapes that are read with 200 KB/s. [0]");
  number("--slow-senders", options.side.slow_senders, "Pushes that take two seconds to arrive. [0]");
  number("--idle", options.side.idle, "Connections that do nothing. [0]");
  line.text("--scrape-encoding", raw.scrape_encoding, {"identity or gzip. [identity]", "NAME", beside});
  line.text("--scrape-interval", raw.scrape_interval, {"Between two scrapes. [0s]", "TIME", beside});

  line.flag("--no-verify", raw.no_verify,
            {.text = "Do not scrape afterwards to see whether everything is there.", .group = result});
  const auto file = [&](const char* name, std::string& into, const char* help) {
    line.text(name, into, {help, "FILE", result});
  };
  file("--ledger", options.ledger_file, "Write what was sent and acknowledged, so that a later process can verify it.");
  file("--verify-only", options.verify_only,
       "No load: scrape, and see whether what such a file says is there, after a restart for example.");
  line.flag("--cleanup", options.cleanup, {.text = "Delete what was pushed.", .group = result});
  file("--json", options.json_file, "Write the result as JSON.");
  file("--html", options.html_file, "Write a report with plots, one file without outside resources.");
  file("--latencies", options.latencies_file,
       "Write every measured request as CSV: when it was planned (monotonic clock) and how long it took, in ns.");
  line.number("--server-pid", options.server_pid, 1, std::numeric_limits<int>::max(),
              {"The gateway's process here: its CPU time per request.", "PID", result});
  line.text(
      "--lateness-max", raw.lateness_max,
      {"The run is refused when 1 % of the requests of an open loop left later than this by our own fault. [10ms]",
       "TIME", result});
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
  CommandLine line(
      "sluice-load: pushes to a Prometheus Pushgateway or sluice, measures, and checks that nothing was lost",
      "sluice-load");
  line.flag("--version", raw.version, {.text = "Show the version."});
  line.footer(kExamples);
  add_load_options(line, raw, options);
  add_work_options(line, raw, options);
  add_other_options(line, raw, options);
  const auto wrong = [](std::string_view text) {
    return LoadFlagExit{2, fmt::format("sluice-load: error: {}, try --help\n", text)};
  };
  if (const auto end = line.parse(arguments)) {
    if (end->kind == CommandLineEnd::Kind::kHelp) return std::unexpected(LoadFlagExit{0, end->text});
    return std::unexpected(wrong(end->text));
  }
  if (raw.version) return std::unexpected(LoadFlagExit{0, fmt::format("sluice-load, version {}\n", kVersion)});
  if (auto problem = judge(raw, options)) return std::unexpected(wrong(*problem));
  return options;
}

}  // namespace sluice::tools::load
