// What a running gateway holds, put together again group by group from what it shows.
//
// A scrape in protobuf says everything about each series but not which group it belongs to: of {job="a"} and
// {job="a",x="1"} either may have a series with both labels. /api/v1/metrics lists the series of each group. So that is
// read first, and the scrape's metrics are dealt out to the groups by family and labels.
//
// One owner, one thread. Memory: about twice the scrape.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/base/result.h"

namespace sluice::tools {

struct ExportGroup {
  std::vector<std::pair<std::string, std::string>> labels;  // sorted; without an empty instance
  double push_time = 0;                                     // seconds; 0 for never
  double failure_time = 0;
  std::string body;  // its families, as delimited protobuf
};

class ExportGroups {
 public:
  // The answer of /api/v1/metrics. The error is one sentence.
  [[nodiscard]] Result<void, std::string> read_list(std::string json);
  // After the list: a scrape as delimited protobuf with escaping=allow-utf-8.
  [[nodiscard]] Result<void, std::string> read_scrape(std::string_view scrape);

  [[nodiscard]] const std::vector<ExportGroup>& groups() const noexcept { return groups_; }
  [[nodiscard]] uint64_t series() const noexcept { return series_; }
  // Series of the list that the scrape did not have, and series with a job that the list did not have: pushed or
  // deleted between the two.
  [[nodiscard]] uint64_t changed() const noexcept { return owner_.size() - series_ + unknown_; }

 private:
  using Labels = std::vector<std::pair<std::string_view, std::string_view>>;

  [[nodiscard]] static uint64_t hash_of(std::string_view family, Labels& labels);
  [[nodiscard]] Result<void, std::string> read_family(std::string_view message);
  void deal_out(std::string_view name, std::string_view metric, std::string_view field);

  std::vector<ExportGroup> groups_;
  std::unordered_map<uint64_t, uint32_t> owner_;  // by family and labels
  uint64_t series_ = 0;
  uint64_t unknown_ = 0;
  // Of the family that is being dealt out: for each group its metrics.
  std::unordered_map<uint32_t, std::string> metrics_;
  Labels labels_;
};

// The path of a push to the group, behind the gateway's prefix: values that are not plain go as base64, label names
// that are not legacy names as `U__`.
[[nodiscard]] std::string export_path(const ExportGroup& group);

// Its path has such a name, so the target must undo `U__`.
[[nodiscard]] bool has_utf8_names(const ExportGroup& group);

}  // namespace sluice::tools
