#include "tools/commands/import_command.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <chrono>
#include <cstdio>

#include "net/api/reference_import.h"
#include "tools/commands/parse_command.h"

namespace sluice::tools {
namespace {

std::string moment(int64_t unix_ns) {
  if (unix_ns == 0) return "never";
  const auto seconds = std::chrono::sys_seconds(std::chrono::seconds(unix_ns / 1'000'000'000));
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::chrono::system_clock::to_time_t(seconds)));
}

void print(const net::api::ImportSummary& summary) {
  fmt::print("file_bytes   {}\ngroups       {}\nfailed_only  {}\nfamilies     {}\nseries       {}\nsamples      {}\n",
             summary.bytes, summary.groups, summary.groups_failed, summary.families, summary.series, summary.samples);
  fmt::print("oldest_push  {}\nnewest_push  {}\nnot_kept     {}\n", moment(summary.oldest_push_ns),
             moment(summary.newest_push_ns), summary.left_out);
  for (const std::string& why : summary.reasons) fmt::print("  {}\n", why);
  if (summary.left_out > summary.reasons.size())
    fmt::print("  and {} more\n", summary.left_out - summary.reasons.size());
}

}  // namespace

int import_command(const std::vector<std::string>& arguments) {
  CommandLine line(
      "Takes over the persistence file of a Pushgateway 0.10 to 1.11 into FILE.sluice/, as a gateway that is started "
      "on "
      "it does. FILE is never changed. Exit code 0: all of it is kept; 2: some of it cannot be kept; 1: nothing was "
      "done.",
      "sluice import");
  std::string file;
  bool dry_run = false;
  bool unchecked = false;
  line.required("FILE", file, {.text = "The persistence file."});
  line.flag("--dry-run", dry_run, {.text = "Only say what it holds and what cannot be kept; nothing is written."});
  line.flag("--push.disable-consistency-check", unchecked, {.text = "As of the gateway that will serve it."});
  if (const auto code = parse_command(line, arguments)) return *code;
  const auto summary =
      dry_run ? net::api::examine_reference_file(file, !unchecked) : net::api::import_reference_file(file, !unchecked);
  if (!summary) return fail_command(summary.error());
  print(*summary);
  return summary->left_out == 0 ? 0 : 2;
}

}  // namespace sluice::tools
