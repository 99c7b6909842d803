// One sample line of text format 0.0.4, taken apart as far as the verification needs it.
//
// Pure functions; views point into the line. Escapes stay as they are: both sides of every comparison are as a gateway
// printed them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sluice::tools::load {

struct SampleLine {
  struct Label {
    std::string_view name;
    std::string_view value;  // between the quotes, still escaped
  };
  std::string_view name;
  std::vector<Label> labels;  // in the order of the line
  double value = 0;
};

// `line` without its newline. False when it is not a sample (comments, empty lines, anything malformed); `out` is then
// of no use.
[[nodiscard]] bool split_sample(std::string_view line, SampleLine& out);

// The value of a label, or an empty view.
[[nodiscard]] std::string_view label_of(const SampleLine& sample, std::string_view name) noexcept;

// What distinguishes a series within its group: `name{a="b"}` without the labels `job` and `instance`, the rest in the
// order in which they stand. Replaces `out`.
void identity_of(const SampleLine& sample, std::string& out);

// Sorts labels as a gateway prints them: by name, `le` and `quantile` last.
void sort_labels(SampleLine& sample);

}  // namespace sluice::tools::load
