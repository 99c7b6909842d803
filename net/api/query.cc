#include "net/api/query.h"

#include <algorithm>

#include "net/api/router.h"

namespace sluice::net::api {

bool unescape_query(std::string_view raw, std::string& out) {
  std::string spaced(raw);
  std::ranges::replace(spaced, '+', ' ');
  return percent_decode(spaced, out);
}

std::expected<std::vector<QueryField>, std::string> parse_query(std::string_view target) {
  std::vector<QueryField> fields;
  const size_t question = target.find('?');
  std::string_view rest = question == std::string_view::npos ? std::string_view() : target.substr(question + 1);
  while (!rest.empty()) {
    const std::string_view text = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(rest.size(), text.size() + 1));
    if (text.empty()) continue;
    const size_t equals = std::min(text.find('='), text.size());
    QueryField& field = fields.emplace_back();
    if (!unescape_query(text.substr(0, equals), field.name) ||
        !unescape_query(text.substr(std::min(equals + 1, text.size())), field.value)) {
      return std::unexpected("The query has a broken escape: \"" + std::string(text) + "\".");
    }
  }
  return fields;
}

}  // namespace sluice::net::api
