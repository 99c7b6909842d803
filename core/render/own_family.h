// A family that the gateway exposes itself, ready to print, for one scrape.
#pragma once

#include <string>
#include <string_view>

#include "core/model/families.h"

namespace sluice::render {

struct OwnFamily {
  std::string name;
  std::string help;  // unescaped
  model::MetricType type = model::MetricType::kGauge;
  std::string lines;  // sample lines of the text format, each with its newline; with none the family does not appear
};

// The two families that every group has, with the reference's help texts; their values are fields of the group version.
inline constexpr std::string_view kPushTimeName = "push_time_seconds";
inline constexpr std::string_view kPushTimeHelp =
    "Last Unix time when changing this group in the Pushgateway succeeded.";
inline constexpr std::string_view kPushFailureTimeName = "push_failure_time_seconds";
inline constexpr std::string_view kPushFailureTimeHelp =
    "Last Unix time when changing this group in the Pushgateway failed.";

}  // namespace sluice::render
