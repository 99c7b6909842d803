#include "net/web/headers.h"

#include <algorithm>
#include <array>

#include "net/http/ascii.h"

namespace sluice::net::web {
namespace {

struct Rule {
  std::string_view name;     // in the file, in exact case
  std::string_view sent;     // on the wire, as Go spells it
  std::string_view choices;  // as Go prints the list; empty: any value
  std::array<std::string_view, 2> values;
};

constexpr Rule kRules[] = {
    {"Content-Security-Policy", "Content-Security-Policy", "", {}},
    {"Strict-Transport-Security", "Strict-Transport-Security", "", {}},
    {"X-Content-Type-Options", "X-Content-Type-Options", "[\"nosniff\"]", {"nosniff", "nosniff"}},
    {"X-Frame-Options", "X-Frame-Options", "[\"deny\" \"sameorigin\"]", {"deny", "sameorigin"}},
    {"X-XSS-Protection", "X-Xss-Protection", "", {}},
};

// Line ends would begin another field: Go sends blanks, and none at either end.
std::string on_the_wire(std::string value) {
  std::ranges::replace_if(value, [](char c) { return c == '\r' || c == '\n'; }, ' ');
  const size_t first = value.find_first_not_of(" \t");
  if (first == std::string::npos) return {};
  return value.substr(first, value.find_last_not_of(" \t") - first + 1);
}

bool has_field(std::string_view head, std::string_view name) {
  for (size_t at = 0; at < head.size();) {
    const size_t end = std::min(head.find("\r\n", at), head.size());
    const std::string_view line = head.substr(at, end - at);
    if (line.size() > name.size() && line[name.size()] == ':' &&
        http::equals_ignoring_case(line.substr(0, name.size()), name)) {
      return true;
    }
    at = end + 2;
  }
  return false;
}

}  // namespace

Result<std::string, std::string> header_lines(const StrictYaml::TextMap& headers) {
  for (const auto& [name, value] : headers) {
    const auto* const rule = std::ranges::find(kRules, std::string_view(name), &Rule::name);
    if (rule == std::end(kRules)) return std::unexpected("HTTP header \"" + name + "\" can not be configured");
    if (!rule->choices.empty() && std::ranges::find(rule->values, value) == rule->values.end()) {
      std::string text = "invalid value for ";
      text.append(name).append(". Expected one of: ").append(rule->choices);
      return std::unexpected(text.append(", but got: \"").append(value).append("\""));
    }
  }
  std::string lines;
  for (const Rule& rule : kRules) {
    for (const auto& [name, value] : headers) {
      if (name != rule.name) continue;
      lines += rule.sent;
      lines += ": " + on_the_wire(value) + "\r\n";
    }
  }
  return lines;
}

void add_headers(std::string& head, std::string_view lines) {
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find("\r\n") + 2);
    if (!has_field(head, line.substr(0, line.find(':')))) head += line;
    lines.remove_prefix(line.size());
  }
}

}  // namespace sluice::net::web
