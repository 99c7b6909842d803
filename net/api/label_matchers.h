// Label matchers of PromQL on a grouping key: `{job="etl",zone!~"eu-.*"}`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "net/api/regex.h"

namespace sluice::net::api {

// Calls fn(name, value) for each label of GroupKey::bytes(), in order.
template <typename Fn>
void for_each_label(std::string_view key, Fn fn) {
  const auto take = [&key] {
    uint32_t bytes = 0;
    for (int i = 3; i >= 0; --i) bytes = bytes << 8 | static_cast<unsigned char>(key[static_cast<size_t>(i)]);
    const std::string_view text = key.substr(4, bytes);
    key.remove_prefix(4 + text.size());
    return text;
  };
  while (!key.empty()) {
    const std::string_view name = take();
    fn(name, take());
  }
}

// One selector. All of its matchers must hold; a label that the key does not have has the empty value, as in
// Prometheus.
class LabelMatchers {
 public:
  // `{...}` or what stands between the braces. Names may be quoted. The error is a sentence.
  // `regex_states`, for what a request brings: of its regular expressions so far, to which these are added. An error
  // when they are more than kRegexStatesMax, so that all of a request's selectors cost together what one may.
  [[nodiscard]] static std::expected<LabelMatchers, std::string> parse(std::string_view selector,
                                                                       size_t* regex_states = nullptr);

  // Of GroupKey::bytes(). Not const: regular expressions keep scratch.
  [[nodiscard]] bool match(std::string_view key);

 private:
  struct Matcher {
    std::string name;
    std::string value;
    bool negated = false;
    bool by_regex = false;
    Regex regex;
  };
  std::vector<Matcher> matchers_;
};

}  // namespace sluice::net::api
