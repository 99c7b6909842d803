// The label text of one series in a fragment: what a probe compares when two hashes are equal.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/base/clock.h"
#include "core/model/canonical.h"

namespace sluice::store {

// Finds it in slices: it is found by counting lines, and there may be a million. Views point into the fragment, which
// must stay readable between the steps; so must `name`.
class SeriesText {
 public:
  void start(const model::Fragment& fragment, std::string_view name, model::MetricType type, uint32_t series) noexcept;
  // False: the slice is used up.
  [[nodiscard]] bool step(Deadline deadline) noexcept;
  // What stands between the braces; empty when there is no such series.
  [[nodiscard]] std::string_view found() const noexcept { return found_; }

 private:
  std::string_view rest_;  // of the fragment's text
  std::string_view name_;
  bool many_lines_ = false;  // a series is several lines, of which the `_count` line is the last
  uint32_t left_ = 0;        // series before the wanted one
  std::string_view found_;
};

// The label text (between the braces) of the series with this index in a fragment of the family `name`.
[[nodiscard]] std::string_view series_label_text(const model::Fragment& fragment, std::string_view name,
                                                 model::MetricType type, uint32_t series) noexcept;

}  // namespace sluice::store
