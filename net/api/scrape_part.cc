#include "net/api/scrape_part.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>

#include "core/base/limits.h"
#include "net/api/query.h"

namespace sluice::net::api {
namespace {

using Failure = std::unexpected<std::string>;

std::expected<uint32_t, std::string> parse_number(const char* name, std::string_view raw) {
  std::string text;
  uint32_t number = 0;
  if (unescape_query(raw, text) && !text.empty()) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error == std::errc() && end == text.data() + text.size()) return number;
  }
  return Failure(std::string("The parameter ") + name + " is not a whole number from 0: \"" + std::string(raw) + "\".");
}

}  // namespace

std::expected<store::Part, std::string> parse_scrape_part(std::string_view target) {
  std::optional<uint32_t> index;
  std::optional<uint32_t> count;
  const size_t question = target.find('?');
  std::string_view rest = question == std::string_view::npos ? std::string_view() : target.substr(question + 1);
  while (!rest.empty()) {
    const std::string_view field = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(rest.size(), field.size() + 1));
    const size_t equals = std::min(field.find('='), field.size());
    std::string key;
    if (!unescape_query(field.substr(0, equals), key) || (key != "shard" && key != "shards")) continue;
    std::optional<uint32_t>& value = key == "shard" ? index : count;
    if (value) return Failure("The parameter " + key + " is given twice.");
    const auto number = parse_number(key.c_str(), field.substr(std::min(equals + 1, field.size())));
    if (!number) return Failure(number.error());
    value = *number;
  }
  if (!index && !count) return store::Part();
  if (!index) return Failure("The parameter shards needs the parameter shard: which of the parts, from 0.");
  if (!count) return Failure("The parameter shard needs the parameter shards: how many parts there are.");
  if (*count == 0) return Failure("The parameter shards is 0: there is at least one part.");
  if (*count > limits::kScrapePartsMax) {
    return Failure("The parameter shards is more than " + std::to_string(limits::kScrapePartsMax) + ".");
  }
  if (*index >= *count) {
    return Failure("The parameter shard is " + std::to_string(*index) + ", but of " + std::to_string(*count) +
                   " parts the last one is " + std::to_string(*count - 1) + ".");
  }
  return store::Part{*index, *count};
}

}  // namespace sluice::net::api
