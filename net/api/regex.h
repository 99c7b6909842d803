// Regular expressions for label matchers, as PromQL writes them: matched against the whole value, in linear time.
//
// Understood: literals, escapes of punctuation, \n \r \t \f \v, `.` (any character but a line break), classes with
// ranges and negation, \d \w \s and their negations, groups (also `(?:`), alternatives, `*` `+` `?` `{n}` `{n,}`
// `{n,m}` and their lazy forms, `^` and `$` at the ends, and `(?i)` and `(?s)` at the beginning. Anything else is an
// error with a sentence: never a wrong answer.
//
// A program of at most kRegexStatesMax states, with twice as many ranges of characters, is simulated; no backtracking:
// O(value x states that are reached x log ranges of a class): milliseconds for the longest value and the largest
// program, microseconds for usual ones. Compiling is bounded too: classes of kRegexClassItemsMax characters and ranges
// in all, those of repeated pieces counted each time. Values above kRegexValueBytesMax match nothing. Thread: const
// functions keep their scratch in the caller's hands, so one Regex belongs to one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::net::api {

inline constexpr size_t kRegexStatesMax = 512;
inline constexpr size_t kRegexRangesMax = 2 * kRegexStatesMax;
inline constexpr size_t kRegexClassItemsMax = 8 * kRegexStatesMax;
inline constexpr size_t kRegexValueBytesMax = 1024;

class Regex {
 public:
  [[nodiscard]] static std::expected<Regex, std::string> compile(std::string_view pattern);

  // `value` is UTF-8.
  [[nodiscard]] bool matches(std::string_view value);
  // Its size, for who bounds several together.
  [[nodiscard]] size_t states() const noexcept { return states_.size(); }

 private:
  friend class RegexCompiler;

  struct Range {
    uint32_t low, high;
  };
  enum class Op : uint8_t { kClass, kSplit, kJump, kMatch };
  struct State {
    Op op = Op::kMatch;
    uint32_t next = 0;    // all but kMatch
    uint32_t other = 0;   // kSplit
    uint32_t ranges = 0;  // the first of them, which are in order and apart
    uint32_t range_count = 0;
  };

  void add(uint32_t state);
  [[nodiscard]] bool takes(const State& state, uint32_t character) const noexcept;

  std::vector<State> states_;
  std::vector<Range> ranges_;
  uint32_t start_ = 0;
  bool fold_ = false;

  // Scratch of a match.
  std::vector<uint32_t> now_, then_, pending_;
  std::vector<uint32_t> seen_;
  uint32_t round_ = 0;
  bool matched_ = false;
};

}  // namespace sluice::net::api
