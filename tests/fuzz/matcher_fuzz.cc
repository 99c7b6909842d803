// Label selectors and their regular expressions, whatever bytes come: a selector made of a key's own labels matches it
// and its negation does not; an expression in a group, once, or beside another means what it means alone.
//
// The selector, or the expression, is the first line; the second is a value.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "core/model/group_key.h"
#include "net/api/label_matchers.h"
#include "net/api/regex.h"

namespace sluice::net::api {
namespace {

void expect(bool holds, const char* what, std::string_view input) {
  if (holds) return;
  std::fprintf(stderr, "DIFFERENCE: %s\n%.*s\n", what, static_cast<int>(input.size()), input.data());
  std::abort();
}

// In double quotes, as PromQL has it.
std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

bool matches(std::string_view selector, const model::GroupKey& key, std::string_view input) {
  auto matchers = LabelMatchers::parse(selector);
  expect(matchers.has_value(), "a selector made here is one", matchers ? input : matchers.error());
  const bool first = matchers->match(key.bytes());
  expect(matchers->match(key.bytes()) == first, "a selector says the same twice", input);
  return first;
}

void check_selector(std::string_view selector, std::string_view value) {
  const model::GroupKey key = model::GroupKey::from_labels({{"job", "j"}, {"zone", value}});
  const std::string equal = "zone=" + quoted(value);
  expect(matches(equal, key, value), "a label is equal to its value", value);
  expect(matches("{" + equal + " , job != \"k\",}", key, value), "two matchers in braces", value);
  expect(!matches("zone!=" + quoted(value), key, value), "a label is not unequal to its value", value);
  expect(matches("{}", key, value) && matches("none=\"\"", key, value), "nothing asked, and a label that is not there",
         value);
  auto matchers = LabelMatchers::parse(selector);
  if (!matchers) {
    expect(!matchers.error().empty(), "a refusal has a text", selector);
    return;
  }
  const bool matched = matchers->match(key.bytes());
  if (selector.find_first_of("{}") != std::string_view::npos) return;
  expect(matches("{" + std::string(selector) + "}", key, selector) == matched, "braces change nothing", selector);
}

bool expression_matches(const std::string& pattern, std::string_view value, std::string_view input) {
  auto regex = Regex::compile(pattern);
  expect(regex.has_value(), "an expression made here is one", regex ? input : regex.error());
  const bool first = regex->matches(value);
  expect(regex->matches(value) == first, "an expression says the same twice", input);
  return first;
}

void check_expression(std::string_view pattern, std::string_view value) {
  auto regex = Regex::compile(pattern);
  if (!regex) {
    expect(!regex.error().empty(), "a refusal has a text", pattern);
    return;
  }
  // Flags and anchors stand at the ends, and what is made here has limits: 512 states and 50 levels.
  if (pattern.starts_with("(?") || pattern.find_first_of("^$") != std::string_view::npos || pattern.size() > 40) return;
  if (pattern.find('{') != std::string_view::npos) return;
  const std::string text(pattern);
  const bool matched = regex->matches(value);
  expect(expression_matches("(?:" + text + ")", value, pattern) == matched, "in a group", pattern);
  expect(expression_matches("(" + text + "){1}", value, pattern) == matched, "once", pattern);
  expect(expression_matches("(" + text + ")|(" + text + ")", value, pattern) == matched, "or itself", pattern);
  expect(expression_matches("()" + ("(" + text + ")") + "()", value, pattern) == matched, "beside nothing", pattern);
  expect(!matched || expression_matches("(" + text + ")+", value, pattern), "once or more", pattern);
  expect(!matched || expression_matches("(" + text + ")*?", value, pattern), "any times, lazily", pattern);
  expect(expression_matches("(" + text + ")*", "", pattern), "no times is nothing", pattern);
}

}  // namespace

int fuzz_matcher(std::string_view input) {
  const size_t line = input.find('\n');
  const std::string_view first = input.substr(0, line);
  const std::string_view value = line == std::string_view::npos ? std::string_view() : input.substr(line + 1);
  check_selector(first, value);
  check_expression(first, value);
  return 0;
}

}  // namespace sluice::net::api

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return sluice::net::api::fuzz_matcher({reinterpret_cast<const char*>(data), size});
}
