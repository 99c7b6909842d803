#include "net/web/credentials.h"

#include <array>
#include <cstdint>

#include "net/http/ascii.h"

namespace sluice::net::web {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::array<int8_t, 256> kValues = [] {
  std::array<int8_t, 256> values{};
  values.fill(-1);
  for (size_t i = 0; i < kAlphabet.size(); ++i)
    values[static_cast<unsigned char>(kAlphabet[i])] = static_cast<int8_t>(i);
  return values;
}();

// Standard alphabet, padding required, unused bits ignored: Go's StdEncoding. (It also passes over line ends, which a
// header cannot hold.)
std::optional<std::string> decode_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  size_t padding = 0;
  while (padding < 2 && text.ends_with('=')) {
    text.remove_suffix(1);
    ++padding;
  }
  std::string bytes;
  bytes.reserve(text.size() * 3 / 4);
  uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const int8_t value = kValues[static_cast<unsigned char>(c)];
    if (value < 0) return std::nullopt;
    bits = bits << 6 | static_cast<uint32_t>(value);
    count += 6;
    if (count >= 8) {
      count -= 8;
      bytes += static_cast<char>(bits >> count & 0xff);
    }
  }
  return bytes;
}

}  // namespace

std::optional<Credentials> parse_basic_auth(std::string_view authorization) {
  constexpr std::string_view kPrefix = "Basic ";
  if (!http::equals_ignoring_case(authorization.substr(0, kPrefix.size()), kPrefix)) return std::nullopt;
  const auto bytes = decode_base64(authorization.substr(kPrefix.size()));
  if (!bytes) return std::nullopt;
  const size_t colon = bytes->find(':');
  if (colon == std::string::npos) return std::nullopt;
  return Credentials{bytes->substr(0, colon), bytes->substr(colon + 1)};
}

std::optional<std::string_view> parse_bearer(std::string_view authorization) {
  constexpr std::string_view kPrefix = "Bearer ";
  if (!http::equals_ignoring_case(authorization.substr(0, kPrefix.size()), kPrefix)) return std::nullopt;
  std::string_view token = authorization.substr(kPrefix.size());
  while (token.starts_with(' ')) token.remove_prefix(1);
  return token;
}

}  // namespace sluice::net::web
