#include "net/api/regex.h"

#include <algorithm>
#include <cctype>
#include <iterator>
#include <span>
#include <utility>

#include "core/base/utf8.h"

namespace sluice::net::api {
namespace {

constexpr uint32_t kLast = 0x10FFFF;
constexpr uint32_t kNone = UINT32_MAX;
constexpr uint32_t kRepeatMax = 100;
constexpr int kDepthMax = 50;

struct Ranges {
  std::vector<std::pair<uint32_t, uint32_t>> of;

  void add(uint32_t low, uint32_t high) { of.emplace_back(low, high); }
  void negate() {
    std::ranges::sort(of);
    std::vector<std::pair<uint32_t, uint32_t>> rest;
    uint32_t from = 0;
    for (const auto& [low, high] : of) {
      if (low > from) rest.emplace_back(from, low - 1);
      from = std::max(from, high + 1);
    }
    if (from <= kLast) rest.emplace_back(from, kLast);
    of = std::move(rest);
  }
  // In order, and those that meet are one.
  void merge() {
    std::ranges::sort(of);
    size_t used = 0;
    for (const auto& [low, high] : of) {
      if (used > 0 && low <= of[used - 1].second + 1) {
        of[used - 1].second = std::max(of[used - 1].second, high);
      } else {
        of[used++] = {low, high};
      }
    }
    of.resize(used);
  }
  // \d, \w, \s and their negations; false for another letter.
  [[nodiscard]] bool add_named(char letter) {
    Ranges named;
    switch (letter) {
      case 'd':
      case 'D':
        named.add('0', '9');
        break;
      case 'w':
      case 'W':
        for (const auto& [low, high] : {std::pair{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}}) {
          named.add(static_cast<uint32_t>(low), static_cast<uint32_t>(high));
        }
        break;
      case 's':
      case 'S':
        named.add('\t', '\n');
        named.add('\f', '\r');
        named.add(' ', ' ');
        break;
      default:
        return false;
    }
    if (letter < 'a') named.negate();
    of.insert(of.end(), named.of.begin(), named.of.end());
    return true;
  }
};

uint32_t lower(uint32_t c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; }

}  // namespace

// Recursive descent over the pattern; each construct becomes states whose ends are patched to what follows.
class RegexCompiler {
 public:
  RegexCompiler(std::string_view pattern, Regex& out) : rest_(pattern), out_(out) {}

  [[nodiscard]] std::string compile() {
    read_flags();
    if (rest_.starts_with('^')) rest_.remove_prefix(1);
    Piece whole = alternatives(0);
    if (error_.empty() && !rest_.empty()) fail("unmatched )");
    if (!error_.empty()) return error_;
    const uint32_t end = emit({.op = Regex::Op::kMatch});
    patch(whole, end);
    if (out_.states_.size() > kRegexStatesMax) fail("it is too large");
    out_.start_ = whole.start;
    out_.seen_.assign(out_.states_.size(), 0);
    return error_;
  }

 private:
  // States with open ends: indexes of `next` (even) and `other` (odd) fields, times two.
  struct Piece {
    uint32_t start = kNone;
    std::vector<uint32_t> ends;
  };

  void fail(std::string why) {
    if (error_.empty()) error_ = std::move(why);
    rest_ = {};
  }
  uint32_t emit(Regex::State state) {
    if (out_.states_.size() > kRegexStatesMax) fail("it is too large");
    out_.states_.push_back(state);
    return static_cast<uint32_t>(out_.states_.size() - 1);
  }
  void patch(const Piece& piece, uint32_t target) {
    for (const uint32_t end : piece.ends) {
      Regex::State& state = out_.states_[end / 2];
      (end % 2 == 0 ? state.next : state.other) = target;
    }
  }
  Piece empty() {
    const uint32_t state = emit({.op = Regex::Op::kJump});
    return {state, {state * 2}};
  }
  Piece characters(Ranges ranges) {
    if (out_.fold_) {
      const std::vector<std::pair<uint32_t, uint32_t>> given = ranges.of;
      for (const auto& [low, high] : given) {
        const uint32_t from = std::max<uint32_t>(low, 'A');
        const uint32_t to = std::min<uint32_t>(high, 'Z');
        if (from <= to) ranges.add(from + 32, to + 32);
      }
    }
    ranges.merge();
    if (out_.ranges_.size() + ranges.of.size() > kRegexRangesMax) fail("it is too large");
    Regex::State state{.op = Regex::Op::kClass, .ranges = static_cast<uint32_t>(out_.ranges_.size())};
    for (const auto& [low, high] : ranges.of) out_.ranges_.push_back({low, high});
    state.range_count = static_cast<uint32_t>(ranges.of.size());
    const uint32_t index = emit(state);
    return {index, {index * 2}};
  }

  void read_flags() {
    if (!rest_.starts_with("(?") || rest_.size() < 4) return;
    const size_t end = rest_.find_first_not_of("is", 2);
    if (end == 2 || end == std::string_view::npos || rest_[end] != ')') return;
    for (const char flag : rest_.substr(2, end - 2)) (flag == 'i' ? out_.fold_ : any_has_break_) = true;
    rest_.remove_prefix(end + 1);
  }

  Piece alternatives(int depth) {
    if (depth > kDepthMax) fail("its groups are nested too deep");
    Piece left = sequence(depth);
    while (rest_.starts_with('|')) {
      rest_.remove_prefix(1);
      Piece right = sequence(depth);
      const uint32_t split = emit({.op = Regex::Op::kSplit, .next = left.start, .other = right.start});
      left.start = split;
      left.ends.insert(left.ends.end(), right.ends.begin(), right.ends.end());
    }
    return left;
  }

  Piece sequence(int depth) {
    Piece whole = empty();
    while (!rest_.empty() && rest_.front() != '|' && rest_.front() != ')') {
      if (rest_ == "$") {
        rest_ = {};
        break;
      }
      Piece next = repeated(depth);
      if (!error_.empty()) break;
      patch(whole, next.start);
      whole.ends = std::move(next.ends);
    }
    return whole;
  }

  Piece repeated(int depth) {
    const std::string_view from = rest_;
    Piece piece = atom(depth);
    const std::string_view text = from.substr(0, from.size() - rest_.size());
    uint32_t least = 1;
    uint32_t most = 1;
    if (!error_.empty() || !read_counts(least, most)) return piece;
    if (!rest_.empty() && (rest_.front() == '*' || rest_.front() == '+')) fail("a repetition is repeated");
    return times(std::move(piece), text, depth, least, most);
  }

  // `a*`, `a+`, `a?`, `a{..}` behind an atom; kNone for no bound.
  [[nodiscard]] bool read_counts(uint32_t& least, uint32_t& most) {
    if (rest_.empty()) return false;
    switch (rest_.front()) {
      case '*':
        least = 0;
        most = kNone;
        break;
      case '+':
        most = kNone;
        break;
      case '?':
        least = 0;
        break;
      case '{':
        return read_braces(least, most);
      default:
        return false;
    }
    rest_.remove_prefix(1);
    if (rest_.starts_with('?')) rest_.remove_prefix(1);  // lazy: the same for a whole match
    return true;
  }

  [[nodiscard]] bool read_braces(uint32_t& least, uint32_t& most) {
    std::string_view at = rest_.substr(1);
    const auto number = [&at](uint32_t& value) {
      size_t digits = 0;
      for (value = 0; digits < at.size() && digits < 4 && at[digits] >= '0' && at[digits] <= '9'; ++digits) {
        value = value * 10 + static_cast<uint32_t>(at[digits] - '0');
      }
      at.remove_prefix(digits);
      return digits != 0;
    };
    bool right = number(least);
    most = least;
    if (right && at.starts_with(',')) {
      at.remove_prefix(1);
      if (!number(most)) most = kNone;
    }
    right = right && at.starts_with('}');
    if (!right || least > kRepeatMax || (most != kNone && (most > kRepeatMax || most < least))) {
      fail("a repetition {n,m} is not understood");
      return false;
    }
    rest_ = at.substr(1);
    if (rest_.starts_with('?')) rest_.remove_prefix(1);
    return true;
  }

  Piece times(Piece piece, std::string_view text, int depth, uint32_t least, uint32_t most) {
    const std::string_view after = rest_;
    const auto again = [&] {
      rest_ = text;
      Piece copy = atom(depth);
      rest_ = error_.empty() ? after : std::string_view();
      return copy;
    };
    Piece whole = empty();
    bool used = false;
    const auto next = [&] { return std::exchange(used, true) ? again() : std::move(piece); };
    for (uint32_t i = 0; i < least && error_.empty(); ++i) {
      Piece one = next();
      patch(whole, one.start);
      whole.ends = std::move(one.ends);
    }
    if (most == kNone) {
      Piece one = next();
      const uint32_t split = emit({.op = Regex::Op::kSplit, .next = one.start});
      patch(one, split);
      patch(whole, split);
      whole.ends = {split * 2 + 1};
      return whole;
    }
    std::vector<uint32_t> ends;
    for (uint32_t i = least; i < most && error_.empty(); ++i) {
      Piece one = next();
      const uint32_t split = emit({.op = Regex::Op::kSplit, .next = one.start});
      patch(whole, split);
      ends.push_back(split * 2 + 1);
      whole.ends = std::move(one.ends);
    }
    whole.ends.insert(whole.ends.end(), ends.begin(), ends.end());
    return whole;
  }

  Piece atom(int depth) {
    const CodePoint c = decode_utf8(rest_);
    rest_.remove_prefix(c.bytes);
    Ranges ranges;
    switch (c.value) {
      case '(': {
        if (rest_.starts_with("?:")) rest_.remove_prefix(2);
        if (rest_.starts_with('?')) fail("(? is not understood here");
        Piece inner = alternatives(depth + 1);
        if (!rest_.starts_with(')')) {
          fail("a ( is not closed");
        } else {
          rest_.remove_prefix(1);
        }
        return inner;
      }
      case '[':
        read_class(ranges);
        break;
      case '.':
        if (!any_has_break_) ranges.add('\n', '\n');
        ranges.negate();
        break;
      case '\\':
        read_escape(ranges);
        break;
      case '*':
      case '+':
      case '?':
      case '{':
        fail("a repetition has nothing before it");
        break;
      case '^':
      case '$':
        fail("^ and $ stand at the ends only");
        break;
      default:
        ranges.add(c.value, c.value);
    }
    return characters(std::move(ranges));
  }

  void read_escape(Ranges& ranges) {
    constexpr std::string_view kLetters = "nrtfv";
    constexpr std::string_view kMeaning = "\n\r\t\f\v";
    if (rest_.empty()) return fail("it ends with a backslash");
    const char letter = rest_.front();
    const CodePoint c = decode_utf8(rest_);
    rest_.remove_prefix(c.bytes);
    if (ranges.add_named(letter)) return;
    if (const size_t at = kLetters.find(letter); at != std::string_view::npos) {
      return ranges.add(static_cast<uint32_t>(kMeaning[at]), static_cast<uint32_t>(kMeaning[at]));
    }
    const bool plain = c.value < 128 && std::isalnum(static_cast<unsigned char>(letter)) == 0;
    if (!plain) return fail("an escape is not understood");
    ranges.add(c.value, c.value);
  }

  void read_class(Ranges& ranges) {
    const bool negated = rest_.starts_with('^');
    if (negated) rest_.remove_prefix(1);
    for (bool first = true; first || !rest_.starts_with(']'); first = false) {
      if (rest_.empty() || rest_.starts_with("[:")) return fail("a class is not closed, or not understood");
      if (++class_items_ > kRegexClassItemsMax) return fail("it is too large");
      const size_t before = ranges.of.size();
      read_class_item(ranges);
      // A single character may begin a range.
      const bool single = ranges.of.size() == before + 1 && ranges.of.back().first == ranges.of.back().second;
      if (!single || rest_.size() < 2 || rest_[0] != '-' || rest_[1] == ']') continue;
      rest_.remove_prefix(1);
      Ranges end;
      read_class_item(end);
      if (end.of.size() != 1 || end.of[0].first != end.of[0].second || end.of[0].first < ranges.of.back().first) {
        return fail("a range of a class is not in order");
      }
      ranges.of.back().second = end.of[0].first;
    }
    rest_.remove_prefix(1);
    if (negated && out_.fold_) {
      // Both cases of a letter are out.
      const auto given = ranges.of;
      for (const auto& [low, high] : given) {
        if (const uint32_t to = std::min<uint32_t>(high, 'Z'); std::max<uint32_t>(low, 'A') <= to)
          ranges.add(std::max<uint32_t>(low, 'A') + 32, to + 32);
        if (const uint32_t to = std::min<uint32_t>(high, 'z'); std::max<uint32_t>(low, 'a') <= to)
          ranges.add(std::max<uint32_t>(low, 'a') - 32, to - 32);
      }
    }
    if (negated) ranges.negate();
  }

  void read_class_item(Ranges& ranges) {
    if (rest_.empty()) return fail("a class is not closed");
    const CodePoint c = decode_utf8(rest_);
    rest_.remove_prefix(c.bytes);
    if (c.value == '\\') return read_escape(ranges);
    ranges.add(c.value, c.value);
  }

  std::string_view rest_;
  Regex& out_;
  std::string error_;
  bool any_has_break_ = false;
  size_t class_items_ = 0;  // read so far
};

std::expected<Regex, std::string> Regex::compile(std::string_view pattern) {
  Regex regex;
  const std::string error = RegexCompiler(pattern, regex).compile();
  if (error.empty()) return regex;
  return std::unexpected("The regular expression \"" + std::string(pattern) + "\" cannot be used: " + error + ".");
}

// The state and what is reached from it without a character, each once a round.
void Regex::add(uint32_t state) {
  pending_.assign(1, state);
  while (!pending_.empty()) {
    const uint32_t at = pending_.back();
    pending_.pop_back();
    if (seen_[at] == round_) continue;
    seen_[at] = round_;
    switch (states_[at].op) {
      case Op::kMatch:
        matched_ = true;
        break;
      case Op::kClass:
        then_.push_back(at);
        break;
      case Op::kSplit:
        pending_.push_back(states_[at].other);
        [[fallthrough]];
      case Op::kJump:
        pending_.push_back(states_[at].next);
        break;
    }
  }
}

bool Regex::takes(const State& state, uint32_t character) const noexcept {
  const std::span<const Range> ranges(ranges_.data() + state.ranges, state.range_count);
  const auto behind = std::ranges::upper_bound(ranges, character, {}, &Range::low);
  return behind != ranges.begin() && character <= std::prev(behind)->high;
}

bool Regex::matches(std::string_view value) {
  if (value.size() > kRegexValueBytesMax) return false;
  const auto begin_round = [this] {
    if (++round_ == 0) {
      std::ranges::fill(seen_, 0u);
      round_ = 1;
    }
    then_.clear();
    matched_ = false;
  };
  begin_round();
  add(start_);
  while (!value.empty()) {
    const CodePoint c = decode_utf8(value);
    value.remove_prefix(c.bytes);
    const uint32_t character = fold_ ? lower(c.value) : c.value;
    now_.swap(then_);
    begin_round();
    for (const uint32_t at : now_) {
      if (takes(states_[at], character)) add(states_[at].next);
    }
    if (then_.empty() && !matched_) return false;
  }
  return matched_;
}

}  // namespace sluice::net::api
