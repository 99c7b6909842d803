#include "tools/external_url.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <optional>
#include <string_view>

namespace sluice::tools {
namespace {

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

// Go's %q of text that is UTF-8 and printable but for control characters.
std::string go_quoted(std::string_view text) {
  constexpr std::string_view kNamed = "\a\b\t\n\v\f\r";
  constexpr std::string_view kNames = "abtnvfr";
  std::string out = "\"";
  for (const char c : text) {
    if (const size_t at = kNamed.find(c); at != std::string_view::npos) {
      out += '\\';
      out += kNames[at];
      continue;
    }
    if (is_control(c)) {
      constexpr std::string_view kDigits = "0123456789abcdef";
      out += "\\x";
      out += kDigits[static_cast<unsigned char>(c) >> 4];
      out += kDigits[static_cast<unsigned char>(c) & 15];
      continue;
    }
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

// Length of the scheme in front of the colon; 0 for none, nullopt when the colon comes first.
std::optional<size_t> scheme_length(std::string_view url) {
  if (url.starts_with(':')) return std::nullopt;
  for (size_t k = 0; k < url.size(); ++k) {
    const auto c = static_cast<unsigned char>(url[k]);
    if (c == ':') return k;
    if (c >= 0x80) return 0;
    if (std::isalpha(c) != 0) continue;
    if (k == 0 || (std::isdigit(c) == 0 && c != '+' && c != '-' && c != '.')) return 0;
  }
  return 0;
}

// Why `host` is none; empty when it is one.
std::string host_error(std::string_view authority) {
  const std::string_view host = authority.substr(authority.rfind('@') + 1);
  if (const size_t at = host.find_first_of(" \"<>\\^`{|}"); at != std::string_view::npos) {
    return "invalid character " + go_quoted(host.substr(at, 1)) + " in host name";
  }
  const size_t name_end = host.starts_with('[') ? host.rfind(']') : 0;
  if (name_end == std::string_view::npos) return "missing ']' in host";
  const size_t colon = host.find(':', name_end);
  if (colon == std::string_view::npos) return {};
  const std::string_view port = host.substr(host.rfind(':'));
  const bool digits = std::ranges::all_of(port.substr(1), [](unsigned char c) { return std::isdigit(c) != 0; });
  return digits ? std::string() : "invalid port " + go_quoted(port) + " after host";
}

Result<std::string, std::string> unescape(std::string_view path) {
  std::string out;
  for (size_t k = 0; k < path.size(); ++k) {
    if (path[k] != '%') {
      out += path[k];
      continue;
    }
    unsigned value = 0;
    const std::string_view digits = path.substr(k + 1, 2);
    const auto [end, status] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
    if (digits.size() != 2 || status != std::errc() || end != digits.data() + 2) {
      return std::unexpected("invalid URL escape " + go_quoted(path.substr(k, 3)));
    }
    out += static_cast<char>(value);
    k += 2;
  }
  return out;
}

Result<std::string, std::string> path_of(std::string_view url) {
  if (std::ranges::any_of(url, is_control)) return std::unexpected("net/url: invalid control character in URL");
  std::string_view rest = url.substr(0, url.find('#'));
  const auto scheme = scheme_length(rest);
  if (!scheme) return std::unexpected("missing protocol scheme");
  if (*scheme != 0) rest.remove_prefix(*scheme + 1);
  rest = rest.substr(0, rest.find('?'));
  if (!rest.starts_with('/')) {
    if (*scheme != 0) return std::string();
    if (rest.substr(0, rest.find('/')).find(':') != std::string_view::npos) {
      return std::unexpected("first path segment in URL cannot contain colon");
    }
  }
  if (rest.starts_with("//") && (*scheme != 0 || !rest.starts_with("///"))) {
    rest.remove_prefix(2);
    const std::string_view authority = rest.substr(0, rest.find('/'));
    if (std::string error = host_error(authority); !error.empty()) return std::unexpected(std::move(error));
    rest.remove_prefix(authority.size());
  }
  return unescape(rest);
}

}  // namespace

Result<std::string, std::string> external_url_path(const std::string& url) {
  auto path = path_of(url);
  if (!path) return std::unexpected("invalid URL: parse " + go_quoted(url) + ": " + path.error());
  return path;
}

}  // namespace sluice::tools
