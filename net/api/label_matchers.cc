#include "net/api/label_matchers.h"

#include <algorithm>
#include <cctype>
#include <utility>

namespace sluice::net::api {
namespace {

constexpr size_t kMatchersMax = 64;

// Reads the tokens of a selector.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : rest_(text) {}

  void skip_blanks() {
    while (!rest_.empty() && std::isspace(static_cast<unsigned char>(rest_.front())) != 0) rest_.remove_prefix(1);
  }
  [[nodiscard]] bool take(std::string_view token) {
    skip_blanks();
    if (!rest_.starts_with(token)) return false;
    rest_.remove_prefix(token.size());
    return true;
  }
  [[nodiscard]] bool at_end() {
    skip_blanks();
    return rest_.empty();
  }
  [[nodiscard]] std::string name() {
    skip_blanks();
    size_t bytes = 0;
    const auto is_part = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; };
    while (bytes < rest_.size() && is_part(static_cast<unsigned char>(rest_[bytes]))) ++bytes;
    std::string name(rest_.substr(0, bytes));
    rest_.remove_prefix(bytes);
    return name;
  }
  // A string in double or single quotes with the escapes of PromQL, or in back quotes without.
  [[nodiscard]] bool quoted(std::string& out) {
    skip_blanks();
    if (rest_.empty() || std::string_view("\"'`").find(rest_.front()) == std::string_view::npos) return false;
    const char quote = rest_.front();
    size_t at = 1;
    for (out.clear(); at < rest_.size() && rest_[at] != quote; ++at) {
      if (rest_[at] != '\\' || quote == '`') {
        out += rest_[at];
      } else if (++at == rest_.size()) {
        return false;
      } else {
        constexpr std::string_view kLetters = "nrt";
        constexpr std::string_view kMeaning = "\n\r\t";
        const size_t letter = kLetters.find(rest_[at]);
        if (letter == std::string_view::npos && rest_[at] != '\\' && rest_[at] != quote) return false;
        out += letter == std::string_view::npos ? rest_[at] : kMeaning[letter];
      }
    }
    if (at == rest_.size()) return false;
    rest_.remove_prefix(at + 1);
    return true;
  }

 private:
  std::string_view rest_;
};

}  // namespace

std::expected<LabelMatchers, std::string> LabelMatchers::parse(std::string_view selector, size_t* regex_states) {
  const auto failure = [selector](std::string_view why) {
    return std::unexpected("The selector " + std::string(selector) + " cannot be read: " + std::string(why) + ".");
  };
  LabelMatchers out;
  Cursor cursor(selector);
  const bool braces = cursor.take("{");
  bool closed = braces && cursor.take("}");
  while (!closed && !cursor.at_end()) {
    if (out.matchers_.size() == kMatchersMax) return failure("it has too many matchers");
    Matcher& matcher = out.matchers_.emplace_back();
    if (!cursor.quoted(matcher.name)) matcher.name = cursor.name();
    if (matcher.name.empty()) return failure("a label name is missing");
    matcher.by_regex = true;
    if (cursor.take("=~")) {
    } else if (cursor.take("!~")) {
      matcher.negated = true;
    } else {
      matcher.by_regex = false;
      matcher.negated = cursor.take("!=");
      if (!matcher.negated && !cursor.take("=")) return failure("a label name wants =, !=, =~ or !~ behind it");
    }
    if (!cursor.quoted(matcher.value))
      return failure("a value wants quotes, and only \\\\, \\\", \\n, \\r and \\t as escapes");
    if (matcher.by_regex) {
      auto regex = Regex::compile(matcher.value);
      if (!regex) return std::unexpected(std::move(regex.error()));
      if (regex_states != nullptr && (*regex_states += regex->states()) > kRegexStatesMax)
        return std::unexpected("The match[] parameters are too large.");
      matcher.regex = std::move(*regex);
    }
    const bool more = cursor.take(",");
    closed = braces && cursor.take("}");
    if (!more && !closed && (braces || !cursor.at_end())) return failure("a comma or its end is missing");
  }
  if (braces && !closed) return failure("a brace is not closed");
  if (!cursor.at_end()) return failure("something follows its end");
  return out;
}

bool LabelMatchers::match(std::string_view key) {
  return std::ranges::all_of(matchers_, [key](Matcher& matcher) {
    std::string_view value;
    for_each_label(key, [&](std::string_view name, std::string_view has) {
      if (name == matcher.name) value = has;
    });
    const bool matches = matcher.by_regex ? matcher.regex.matches(value) : value == matcher.value;
    return matches != matcher.negated;
  });
}

}  // namespace sluice::net::api
