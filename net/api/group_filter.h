// Which groups a list shows and a deletion takes: the parameters match[], q, failed and older_than.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/store/group_walk.h"
#include "net/api/label_matchers.h"
#include "net/api/query.h"

namespace sluice::net::api {

// The last push failed: no success was newer.
[[nodiscard]] inline bool is_failed(const model::Version& version) noexcept {
  return version.push_failure_time_ns() > version.push_time_ns();
}

class GroupFilter {
 public:
  // Takes its parameters out of the fields, others are left alone. `now_ns`: wall clock, for ages. The error is the
  // sentence of a 400.
  [[nodiscard]] static std::expected<GroupFilter, std::string> parse(const std::vector<QueryField>& fields,
                                                                     int64_t now_ns);

  // It takes every group.
  [[nodiscard]] bool takes_all() const noexcept {
    return selectors_.empty() && text_.empty() && !failed_ && !older_than_ns_;
  }
  // With regular expressions a group may take long.
  [[nodiscard]] store::WalkPace pace() const noexcept {
    return uses_regexes_ ? store::WalkPace::kGroup : store::WalkPace::kBucket;
  }
  // A microsecond, or one for each regular expression. Not const: regular expressions keep scratch.
  [[nodiscard]] bool takes(const store::GroupView& group);

 private:
  std::vector<LabelMatchers> selectors_;  // one of them must match, if there are any
  std::string text_;                      // in lower case; contained in `name=value` of a label
  bool uses_regexes_ = false;
  bool failed_ = false;
  std::optional<int64_t> older_than_ns_;  // the last successful push, or what made the group, was before
};

// `90s`, `15m`, `1h30m`, `7d`, `2w`: as Prometheus writes durations, in nanoseconds.
[[nodiscard]] std::optional<int64_t> parse_age(std::string_view text);

// `text`, which is in lower case, occurs in `value`; the case of ASCII letters does not matter.
[[nodiscard]] bool contains_folded(std::string_view value, std::string_view text) noexcept;

}  // namespace sluice::net::api
