#include "parser/media_type.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sluice::parser {
namespace {

constexpr std::string_view kProtobuf = "application/vnd.google.protobuf";
constexpr std::string_view kFamily = "io.prometheus.client.MetricFamily";
constexpr std::string_view kDelimited = "delimited";
// As the client libraries write it.
constexpr std::string_view kUsual =
    "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited";

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) { return lower(c); });
  return out;
}

bool is_blank(char c) noexcept { return c == ' ' || (c >= '\t' && c <= '\r'); }

bool is_special(char c) noexcept { return std::string_view("()<>@,;:\\\"/[]?=").find(c) != std::string_view::npos; }

bool is_token(char c) noexcept {
  const auto byte = static_cast<unsigned char>(c);  // char is unsigned on arm64
  return byte > 0x20 && byte < 0x7f && !is_special(c);
}

void skip_blanks(std::string_view& text) noexcept {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
}

bool skip(std::string_view& text, char c) noexcept {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

std::string_view take_token(std::string_view& text) noexcept {
  const auto end = std::ranges::find_if_not(text, is_token);
  const auto bytes = static_cast<size_t>(end - text.begin());
  const std::string_view token = text.substr(0, bytes);
  text.remove_prefix(bytes);
  return token;
}

// A quoted string behind its opening quote. A backslash escapes special characters only; before others it is itself.
std::optional<std::string> take_quoted(std::string_view& text) {
  std::string value;
  for (size_t i = 1; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"') {
      text.remove_prefix(i + 1);
      return value;
    }
    if (c == '\r' || c == '\n') return std::nullopt;
    if (c == '\\' && i + 1 < text.size() && is_special(text[i + 1])) ++i;
    value += text[i];
  }
  return std::nullopt;
}

struct Parameter {
  std::string name;
  std::string value;
};

// `; name = value`, moved behind it; nothing when it is malformed.
std::optional<Parameter> take_parameter(std::string_view& text) {
  if (!skip(text, ';')) return std::nullopt;
  skip_blanks(text);
  Parameter out{lower(take_token(text)), {}};
  if (out.name.empty()) return std::nullopt;
  skip_blanks(text);
  if (!skip(text, '=')) return std::nullopt;
  skip_blanks(text);
  if (!text.starts_with('"')) {
    out.value = take_token(text);
    if (out.value.empty()) return std::nullopt;
    return out;
  }
  std::optional<std::string> quoted = take_quoted(text);
  if (!quoted) return std::nullopt;
  out.value = std::move(*quoted);
  return out;
}

std::optional<std::string> unescape_percent(std::string_view text) {
  const auto digit = [](char c) {
    c = lower(c);
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
  };
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size() || digit(text[i + 1]) < 0 || digit(text[i + 2]) < 0) return std::nullopt;
    out += static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2]));
    i += 2;
  }
  return out;
}

// charset'language'value with percent escapes.
std::optional<std::string> decode_extended(std::string_view text) {
  const size_t first = text.find('\'');
  if (first == std::string_view::npos) return std::nullopt;
  const size_t second = text.find('\'', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  const std::string charset = lower(text.substr(0, first));
  if (charset != "us-ascii" && charset != "utf-8") return std::nullopt;
  return unescape_percent(text.substr(second + 1));
}

class Parameters {
 public:
  // False when the name occurred before with another value.
  [[nodiscard]] bool add(Parameter parameter) {
    if (const std::string* known = find(parameter.name)) return *known == parameter.value;
    all_.push_back(std::move(parameter));
    return true;
  }

  // The value after pieces with stars (RFC 2231) are put together, which win over a plain one.
  [[nodiscard]] bool is(const std::string& name, std::string_view wanted) const {
    if (const std::string* extended = find(name + "*")) {
      if (const auto value = decode_extended(*extended)) return *value == wanted;
    } else if (const auto joined = join(name)) {
      return *joined == wanted;
    }
    const std::string* plain = find(name);
    return plain != nullptr && *plain == wanted;
  }

 private:
  [[nodiscard]] const std::string* find(std::string_view name) const {
    const auto found = std::ranges::find(all_, name, &Parameter::name);
    return found == all_.end() ? nullptr : &found->value;
  }

  [[nodiscard]] std::optional<std::string> join(const std::string& name) const {
    std::string joined;
    for (int n = 0;; ++n) {
      const std::string piece = name + "*" + std::to_string(n);
      if (const std::string* simple = find(piece)) {
        joined += *simple;
      } else if (const std::string* encoded = find(piece + "*")) {
        joined += (n == 0 ? decode_extended(*encoded) : unescape_percent(*encoded)).value_or("");
      } else {
        return n == 0 ? std::nullopt : std::optional(joined);
      }
    }
  }

  std::vector<Parameter> all_;
};

// More parameters than this are nobody's; looking each up among the others would be quadratic in a head of 64 KiB.
constexpr int kParametersMax = 64;

}  // namespace

bool is_delimited_protobuf(std::string_view content_type) {
  if (content_type == kUsual) return true;
  std::string_view rest = content_type;
  std::string_view type = rest.substr(0, rest.find(';'));
  rest.remove_prefix(type.size());
  skip_blanks(type);
  while (!type.empty() && is_blank(type.back())) type.remove_suffix(1);
  if (type.size() != kProtobuf.size() || lower(type) != kProtobuf) return false;
  Parameters parameters;
  for (int i = 0; i < kParametersMax; ++i) {
    skip_blanks(rest);
    if (rest.empty()) return parameters.is("encoding", kDelimited) && parameters.is("proto", kFamily);
    const std::string_view before = rest;
    std::optional<Parameter> parameter = take_parameter(rest);
    if (!parameter) {
      std::string_view only = before.substr(1);
      skip_blanks(only);
      if (before.starts_with(';') && only.empty())
        rest = {};
      else
        return false;
      continue;
    }
    if (!parameters.add(std::move(*parameter))) return false;
  }
  return false;
}

}  // namespace sluice::parser
