#include "tools/commands/export_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "tools/commands/export_groups.h"
#include "tools/commands/parse_command.h"
#include "tools/load/http_client.h"

namespace sluice::tools {
namespace {

// The reference judges a push against all that it holds, which takes it seconds with a million series.
constexpr int64_t kTimeoutMs = 300'000;

constexpr std::string_view kScrapeFields =
    "Accept: application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;"
    "escaping=allow-utf-8\r\n";
constexpr std::string_view kPushFields =
    "Content-Type: application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited\r\n";
// Refused everywhere because of its timestamp, which sets the failure time of the group.
constexpr std::string_view kFailingBody = "sluice_export 1 1\n";

// The whole answer of a GET. The error is one sentence.
Result<std::string, std::string> get(const load::Target& from, std::string_view path, std::string_view fields) {
  load::HttpClient client(from, kTimeoutMs);
  std::string body;
  const auto status = client.request("GET", path, [&](std::string_view part) { body.append(part); }, {fields, {}});
  if (!status) return std::unexpected(status.error());
  if (*status != 200) return std::unexpected(fmt::format("{} answers {} to GET {}", from.host, *status, path));
  return body;
}

Result<void, std::string> read_groups(const load::Target& from, ExportGroups& groups) {
  auto list = get(from, "/api/v1/metrics", {});
  if (!list) return std::unexpected(list.error());
  auto read = groups.read_list(std::move(*list));
  if (read) {
    const auto scrape = get(from, "/metrics", kScrapeFields);
    if (!scrape) return std::unexpected(scrape.error());
    read = groups.read_scrape(*scrape);
  }
  if (!read) return std::unexpected(fmt::format("{}: {}", from.host, read.error()));
  return {};
}

// Whether the target undoes `U__` in paths; without that it would take the escaped name for the name itself. What does
// not say is asked by pushing.
Result<bool, std::string> takes_utf8_names(const load::Target& to) {
  const auto status = get(to, "/api/v1/status", {});
  if (!status) return std::unexpected(status.error());
  return status->find(R"("push.enable-utf8-names":"false")") == std::string::npos;
}

// Pushes the groups; says on stderr which are refused.
class Pusher {
 public:
  Pusher(const load::Target& to, bool utf8_names) : client_(to, kTimeoutMs), utf8_names_(utf8_names) {}

  [[nodiscard]] Result<void, std::string> push(const ExportGroup& group) {
    if (!utf8_names_ && has_utf8_names(group)) {
      ++refused_;
      std::fprintf(stderr, "not pushed, the target has no --push.enable-utf8-names: %s\n", export_path(group).c_str());
      return {};
    }
    // The later of the two is sent later, so that the group is as good or bad there as it is here.
    const bool failed_last = group.failure_time > group.push_time;
    if (group.failure_time != 0 && !failed_last) {
      if (auto failed = fail(group); !failed) return failed;
    }
    if (group.push_time != 0) {
      const auto status = send("PUT", group, kPushFields, group.body);
      if (!status) return std::unexpected(status.error());
      if (*status != 200 && *status != 202) {
        ++refused_;
        std::fprintf(stderr, "refused with %d: %s: %s\n", *status, export_path(group).c_str(), answer_.c_str());
      }
    }
    return group.failure_time != 0 && failed_last ? fail(group) : Result<void, std::string>();
  }
  [[nodiscard]] uint64_t refused() const noexcept { return refused_; }

 private:
  [[nodiscard]] Result<void, std::string> fail(const ExportGroup& group) {
    const auto status = send("POST", group, {}, kFailingBody);
    if (!status) return std::unexpected(status.error());
    return {};
  }
  [[nodiscard]] Result<int, std::string> send(std::string_view method, const ExportGroup& group,
                                              std::string_view fields, std::string_view body) {
    answer_.clear();
    return client_.request(method, export_path(group),
                           [this](std::string_view part) {
                             constexpr size_t kShownBytes = 500;
                             answer_.append(part.substr(0, kShownBytes - std::min(kShownBytes, answer_.size())));
                           },
                           {fields, body});
  }

  load::HttpClient client_;
  bool utf8_names_;
  std::string answer_;
  uint64_t refused_ = 0;
};

}  // namespace

int export_command(const std::vector<std::string>& arguments) {
  CommandLine line(
      "Pushes every group of a running gateway to another, such as a Pushgateway 1.11.3, which then shows the same but "
      "for push times: those are the times of the export, and a group whose last push failed gets a failed push. Stop "
      "other pushes meanwhile. Groups with UTF-8 names need a target with --push.enable-utf8-names. Exit code 0: all "
      "of it went over; 2: a group was refused or something changed meanwhile; 1: it could not be done.",
      "sluice export");
  std::string to_url;
  std::string from_url = "http://127.0.0.1:9091";
  line.required("--to", to_url, {"Where to push, http://host:9091.", "URL"});
  line.text("--from", from_url, {"The gateway to read. [http://127.0.0.1:9091]", "URL"});
  if (const auto code = parse_command(line, arguments)) return *code;
  const auto from = load::parse_target(from_url);
  if (!from) return fail_command(from.error());
  const auto to = load::parse_target(to_url);
  if (!to) return fail_command(to.error());
  ExportGroups groups;
  if (const auto read = read_groups(*from, groups); !read) return fail_command(read.error());
  const auto utf8_names = takes_utf8_names(*to);
  if (!utf8_names) return fail_command(utf8_names.error());
  Pusher pusher(*to, *utf8_names);
  uint64_t failed_only = 0;
  for (const ExportGroup& group : groups.groups()) {
    if (const auto pushed = pusher.push(group); !pushed) return fail_command(pushed.error());
    failed_only += group.push_time == 0 ? 1 : 0;
  }
  fmt::print("groups       {}\nfailed_only  {}\nseries       {}\nrefused      {}\nchanged      {}\n",
             groups.groups().size(), failed_only, groups.series(), pusher.refused(), groups.changed());
  return pusher.refused() == 0 && groups.changed() == 0 ? 0 : 2;
}

}  // namespace sluice::tools
