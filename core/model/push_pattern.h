// What the texts of many pushes have in common: the canonical text of each family, with holes for the values of
// grouping labels and for the numbers. A push that was written from a pattern is its labels and its numbers, so a log
// need not write all of its text again.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sluice::model {

struct PushPattern {
  // Of a run that ends with a number.
  static constexpr uint32_t kNumber = UINT32_MAX;

  // So many bytes of the literals, then the value of grouping label `label` as the text spells it, or a number and the
  // end of its line.
  struct Run {
    uint32_t bytes = 0;
    uint32_t label = kNumber;
  };

  std::vector<std::string> names;  // of the grouping labels, as a GroupKey has them
  std::vector<uint32_t> lines;     // of each family, in the order of CanonicalPush::families
  std::vector<Run> runs;           // of all lines, behind one another
  std::string literals;
  uint32_t literal_bytes = 0;  // of them that runs take
};

}  // namespace sluice::model
