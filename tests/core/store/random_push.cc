#include "tests/core/store/random_push.h"

#include <set>

namespace sluice::store::testing {

std::vector<OwnFamily> RandomPush::own_families() {
  return {{"own", model::MetricType::kSummary}, {"z", model::MetricType::kGauge}};
}

Labels RandomPush::labels() {
  Labels labels = {{"job", below(4) == 0 ? "u" : "t"}};
  const uint64_t names = below(6);
  const auto value = [this] { return std::string(1, static_cast<char>('a' + below(2))); };
  if (names == 1 || names == 3 || names == 5) labels.emplace_back("instance", below(8) == 0 ? "" : value());
  if (names == 2 || names == 3) labels.emplace_back("zone", below(6) == 0 ? "" : value());
  if (names >= 4) labels.emplace_back("le", value());
  return labels;
}

std::string RandomPush::series_labels() {
  std::string labels;
  const auto add = [&](const char* name, bool present) {
    if (!present) return;
    if (!labels.empty()) labels += ',';
    labels += name;
    labels += "=\"";
    if (below(5) != 0) labels += static_cast<char>('a' + below(2));
    labels += '"';
  };
  add("instance", below(2) == 0);
  add("zone", below(2) == 0);
  add("m", below(4) == 0);
  return labels;
}

void RandomPush::add_family(std::string& out, const std::string& name, uint64_t type) {
  static const char* const kTypes[] = {"counter", "gauge", "summary", "untyped", "histogram"};
  if (below(4) == 0) out += "# HELP " + name + " help " + std::to_string(below(2)) + "\n";
  out += "# TYPE " + name + ' ' + kTypes[type] + '\n';
  std::set<std::string> used;
  for (uint64_t i = below(3) + 1; i > 0; --i) {
    const std::string labels = series_labels();
    if (!used.insert(labels).second) continue;
    const std::string value = std::to_string(below(100));
    if (type == 4) out += name + "_bucket{" + labels + (labels.empty() ? "" : ",") + "le=\"+Inf\"} " + value + '\n';
    if (type == 2 && below(2) == 0) {
      out += name + "{" + labels + (labels.empty() ? "" : ",") + "quantile=\"0.5\"} 1\n";
    }
    if (type == 2 || type == 4) {
      out += name + "_sum{" + labels + "} 1\n" + name + "_count{" + labels + "} " + value + '\n';
    } else {
      out += name + "{" + labels + "} " + value + '\n';
    }
  }
}

std::string RandomPush::body() {
  static const char* const kNames[] = {"x", "x_count", "x_sum", "x_bucket", "y", "y_count", "z", "own", "own_sum", "w"};
  std::string out;
  std::set<std::string> used;
  for (uint64_t i = below(4); i > 0; --i) {
    const std::string name = kNames[below(std::size(kNames))];
    // Types are mostly the usual ones of the name, so that many pushes succeed.
    uint64_t type = name == "own" ? 2 : name == "z" ? 1 : name == "x" || name == "y" ? 4 : 0;
    if (below(3) == 0) type = below(5);
    // In one body x_count after a histogram x would be part of x, and its TYPE line an error.
    const std::string base = name.substr(0, name.find('_'));
    if (!used.insert(base).second) continue;
    add_family(out, name, type);
  }
  return out;
}

}  // namespace sluice::store::testing
