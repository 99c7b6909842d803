// The label names of the previous sample line: the next line nearly always repeats them, and a line whose names equal a
// prefix of these has valid and distinct names without looking at a single byte twice.
//
// One owner, one thread. Names are views into the body.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "parser/text_fast_name.h"

namespace sluice::parser {

// Which bound a label names, where the family's type gives it that meaning.
enum class BoundLabel : uint8_t { kNone, kLe, kQuantile };

class LabelNames {
 public:
  // Lines with more labels are left to the exact parser: learn() compares with every earlier name.
  static constexpr uint32_t kMax = 64;

  struct Name {
    KnownName known;
    BoundLabel bound = BoundLabel::kNone;
  };

  void clear() noexcept { count_ = 0; }
  // Label `at` of the previous line, or nullptr when that line had fewer.
  [[nodiscard]] const Name* get(uint32_t at) const noexcept { return at < count_ ? &names_[at] : nullptr; }

  // Replaces label `at` and forgets those behind it. Nullptr when the exact parser must look: not a legacy label name,
  // `__name__`, a repetition, or too many.
  [[nodiscard]] const Name* learn(uint32_t at, std::string_view name) noexcept;

 private:
  std::array<Name, kMax> names_;
  uint32_t count_ = 0;
};

}  // namespace sluice::parser
