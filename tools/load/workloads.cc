#include "tools/load/workloads.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

namespace sluice::tools::load {

namespace {

std::string gauges() {
  std::string text;
  for (int i = 1; i <= 10; ++i) {
    text += fmt::format(
        "# TYPE load_metric_{0} gauge\n"
        "load_metric_{0}{{region=\"eu-west-{1}\",stage=\"production\",task=\"step-{0}\"}} {{{{seq}}}}.{0:02}\n",
        i, i % 3);
  }
  return text;
}

// Two families with 20 series each, HELP and TYPE as client libraries write them.
std::string samples40() {
  std::string text;
  for (const char* const type : {"counter", "gauge"}) {
    text += fmt::format("# HELP load_batch_{0} What the steps of a batch job did.\n# TYPE load_batch_{0} {0}\n", type);
    for (int i = 0; i < 20; ++i) {
      text += fmt::format(
          "load_batch_{}{{function=\"thumbnail-resize\",outcome=\"{}\",region=\"eu-central-1\",step=\"{:02}\"}} "
          "{{{{seq}}}}\n",
          type, i % 2 == 0 ? "success" : "failure", i);
    }
  }
  return text;
}

std::string histograms() {
  std::string text = "# HELP load_duration_seconds How long the steps took.\n# TYPE load_duration_seconds histogram\n";
  for (int metric = 0; metric < 4; ++metric) {
    const std::string labels = fmt::format("region=\"eu-west-1\",task=\"step-{}\"", metric);
    for (int bucket = 1; bucket <= 31; ++bucket) {
      text += fmt::format("load_duration_seconds_bucket{{{},le=\"{}\"}} {{{{seq+{}}}}}\n", labels, bucket, bucket);
    }
    text += fmt::format("load_duration_seconds_bucket{{{},le=\"+Inf\"}} {{{{seq+32}}}}\n", labels);
    text += fmt::format("load_duration_seconds_sum{{{}}} {{{{seq}}}}.5\n", labels);
    text += fmt::format("load_duration_seconds_count{{{}}} {{{{seq+32}}}}\n", labels);
  }
  return text;
}

std::string large() {
  std::string text;
  for (int family = 0; family < 100; ++family) {
    text += fmt::format("# TYPE load_large_{:03} gauge\n", family);
    for (int i = 0; i < 150; ++i) {
      text += fmt::format(
          "load_large_{:03}{{cluster=\"production-eu-1\",node=\"node-{:03}\",shard=\"{:03}\",zone=\"eu-west-1{}\"}} "
          "{{{{seq}}}}.25\n",
          family, i, i % 10, "abc"[i % 3]);
    }
  }
  return text;
}

Result<std::string, std::string> file_text(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) return std::unexpected(fmt::format("cannot read the body '{}': {}", path, std::strerror(errno)));
  return std::string(std::istreambuf_iterator<char>(stream), {});
}

}  // namespace

Result<std::string, std::string> workload_template(std::string_view name) {
  if (name == "s") return gauges();
  if (name == "samples40") return samples40();
  if (name == "histograms") return histograms();
  if (name == "large") return large();
  if (name == "one") return std::string("# TYPE load_value gauge\nload_value {{seq}}\n");
  if (name.starts_with("file:")) return file_text(std::string(name.substr(5)));
  return std::unexpected(
      fmt::format("'{}' is not a body: one of s, samples40, histograms, large, one, file:PATH", name));
}

}  // namespace sluice::tools::load
