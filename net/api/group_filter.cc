#include "net/api/group_filter.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace sluice::net::api {
namespace {

constexpr size_t kSelectorsMax = 16;
constexpr size_t kTextBytesMax = 256;

char folded(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

// `name=value` contains the text. Mostly the text lies in one of the two.
bool label_contains(std::string_view name, std::string_view value, std::string_view text) {
  if (contains_folded(value, text) || contains_folded(name, text)) return true;
  for (size_t at = text.find('='); at != std::string_view::npos; at = text.find('=', at + 1)) {
    const std::string_view left = text.substr(0, at);
    const std::string_view right = text.substr(at + 1);
    if (left.size() > name.size() || right.size() > value.size()) continue;
    const std::string_view end = name.substr(name.size() - left.size());
    const auto equal = [](char a, char b) { return folded(a) == b; };
    if (std::ranges::equal(end, left, equal) && std::ranges::equal(value.substr(0, right.size()), right, equal)) {
      return true;
    }
  }
  return false;
}

}  // namespace

bool contains_folded(std::string_view value, std::string_view text) noexcept {
  if (text.empty()) return true;
  if (value.size() < text.size()) return false;
  const char first = text.front();
  const size_t last = value.size() - text.size();
  for (size_t at = 0; at <= last; ++at) {
    if (folded(value[at]) != first) continue;
    size_t same = 1;
    while (same < text.size() && folded(value[at + same]) == text[same]) ++same;
    if (same == text.size()) return true;
  }
  return false;
}

std::optional<int64_t> parse_age(std::string_view text) {
  constexpr std::pair<std::string_view, int64_t> kUnits[] = {
      {"ms", 1'000'000},         {"s", 1'000'000'000},       {"m", 60'000'000'000},        {"h", 3'600'000'000'000},
      {"d", 86'400'000'000'000}, {"w", 604'800'000'000'000}, {"y", 31'536'000'000'000'000}};
  constexpr int64_t kMax = INT64_MAX / 4;
  int64_t total = 0;
  if (text.empty()) return std::nullopt;
  while (!text.empty()) {
    int64_t number = 0;
    size_t digits = 0;
    for (; digits < text.size() && text[digits] >= '0' && text[digits] <= '9'; ++digits) {
      number = number * 10 + (text[digits] - '0');
      if (number > 1'000'000'000) return std::nullopt;
    }
    if (digits == 0) return std::nullopt;
    text.remove_prefix(digits);
    const auto* unit = std::ranges::find_if(kUnits, [&](const auto& one) {
      return text.starts_with(one.first) && (one.first != "m" || !text.starts_with("ms"));
    });
    if (unit == std::end(kUnits) || number > (kMax - total) / unit->second) return std::nullopt;
    total += number * unit->second;
    text.remove_prefix(unit->first.size());
  }
  return total;
}

std::expected<GroupFilter, std::string> GroupFilter::parse(const std::vector<QueryField>& fields, int64_t now_ns) {
  GroupFilter filter;
  size_t regex_states = 0;
  for (const QueryField& field : fields) {
    if (field.name == "match[]") {
      if (filter.selectors_.size() == kSelectorsMax) return std::unexpected("There are too many match[] parameters.");
      auto selector = LabelMatchers::parse(field.value, &regex_states);
      if (!selector) return std::unexpected(std::move(selector.error()));
      filter.selectors_.push_back(std::move(*selector));
    } else if (field.name == "q") {
      if (field.value.size() > kTextBytesMax) return std::unexpected("The parameter q is longer than 256 bytes.");
      filter.text_ = field.value;
      std::ranges::transform(filter.text_, filter.text_.begin(), folded);
    } else if (field.name == "failed") {
      if (field.value != "true" && field.value != "false") {
        return std::unexpected("The parameter failed is neither true nor false.");
      }
      filter.failed_ = field.value == "true";
    } else if (field.name == "older_than") {
      const auto age_ns = parse_age(field.value);
      if (!age_ns) return std::unexpected("The parameter older_than is no duration such as 90s, 15m, 1h30m or 7d.");
      filter.older_than_ns_ = now_ns - *age_ns;
    }
  }
  filter.uses_regexes_ = regex_states != 0;
  return filter;
}

bool GroupFilter::takes(const store::GroupView& group) {
  if (failed_ && !is_failed(group.version)) return false;
  if (older_than_ns_) {
    const int64_t pushed_ns = group.version.push_time_ns();
    if ((pushed_ns != 0 ? pushed_ns : group.version.made_time_ns()) >= *older_than_ns_) return false;
  }
  if (!text_.empty()) {
    bool found = false;
    for_each_label(group.key, [&](std::string_view name, std::string_view value) {
      found = found || label_contains(name, value, text_);
    });
    if (!found) return false;
  }
  return selectors_.empty() ||
         std::ranges::any_of(selectors_, [&](LabelMatchers& selector) { return selector.match(group.key); });
}

}  // namespace sluice::net::api
