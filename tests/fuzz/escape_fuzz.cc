// Escapes: names (`U__`, dots, underscores), base64 of path values, percent escapes, Go's %q and UTF-8, whatever bytes
// come. What is escaped is unescaped to the same, what two parts decide alike they decide alike, and each result is
// compared with a decoder that is written here in the plainest way.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/utf8.h"
#include "core/render/escape_names.h"
#include "net/api/router.h"
#include "parser/grouping_key.h"
#include "parser/names.h"
#include "parser/path.h"
#include "parser/quote.h"

namespace sluice {
namespace {

using parser::NameScheme;
using render::NameEscaping;

void expect(bool holds, const char* what, std::string_view input) {
  if (holds) return;
  std::fprintf(stderr, "DIFFERENCE: %s (%zu bytes)\n%.*s\n", what, input.size(), static_cast<int>(input.size()),
               input.data());
  std::abort();
}

std::string escaped(std::string_view name, NameEscaping escaping) {
  std::string out;
  render::append_escaped_name(name, escaping, out);
  return out;
}

// Every character valid, and the largest of them.
std::optional<uint32_t> largest_character(std::string_view text) {
  uint32_t largest = 0;
  while (!text.empty()) {
    const CodePoint next = decode_utf8(text);
    if (!next.valid) return std::nullopt;
    expect(next.bytes >= 1 && next.bytes <= 4 && next.bytes <= text.size(), "a character has one to four bytes", text);
    std::string again;
    parser::append_utf8(again, next.value);
    expect(again == text.substr(0, next.bytes), "a character is encoded as it was", text);
    largest = std::max(largest, next.value);
    text.remove_prefix(next.bytes);
  }
  return largest;
}

void check_names(std::string_view name) {
  const bool legacy = parser::is_valid_metric_name(name, NameScheme::kLegacy);
  expect(legacy == render::is_legacy_name(name), "legacy to the parser and to the renderer", name);
  const bool label = parser::is_valid_label_name(name, NameScheme::kLegacy);
  expect(label == (legacy && name.find(':') == std::string_view::npos), "a label's name has no colon", name);
  const auto largest = largest_character(name);
  expect(parser::is_valid_utf8(name) == largest.has_value(), "valid to both readers of UTF-8", name);
  expect(parser::is_valid_metric_name(name, NameScheme::kUtf8) == (largest.has_value() && !name.empty()),
         "any UTF-8 but nothing is a name", name);

  expect(escaped(name, NameEscaping::kNone) == name, "no escaping changes nothing", name);
  for (const NameEscaping escaping : {NameEscaping::kUnderscores, NameEscaping::kDots, NameEscaping::kValues}) {
    const std::string once = escaped(name, escaping);
    expect(!legacy || once == name, "a legacy name is never changed", name);
    // Dots alone leave a digit at the front as it is written.
    expect(name.empty() || render::is_legacy_name(once), "an escaped name is a legacy name", name);
    expect(escaped(once, escaping) == once, "escaping twice is escaping once", name);
  }
  // Five digits are the most that the reference reads back.
  if (!legacy && largest.has_value() && *largest <= 0xfffff) {
    expect(parser::unescape_name(escaped(name, NameEscaping::kValues)) == name, "a name comes back", name);
  }
  const std::string plain = parser::unescape_name(name);
  expect(name.starts_with("U__") || plain == name, "without the prefix nothing is unescaped", name);
  expect(!largest.has_value() || parser::is_valid_utf8(plain), "unescaping keeps UTF-8", name);
}

// Base64 bit by bit: `out` until the first byte that does not belong.
bool plain_base64(std::string_view text, std::string& out) {
  static constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string bits;
  for (const char c : text) {
    if (c == '\n' || c == '\r') continue;
    const size_t digit = kDigits.find(c);
    const bool bad = digit == std::string_view::npos;
    if (bad) bits.resize(bits.size() - bits.size() % 24);  // of a group that is not complete Go decodes nothing
    for (int bit = 5; bit >= 0 && !bad; --bit) bits += static_cast<char>('0' + (digit >> bit & 1));
    if (!bad) continue;
    for (size_t at = 0; at + 8 <= bits.size(); at += 8)
      out += static_cast<char>(std::stoi(bits.substr(at, 8), nullptr, 2));
    return false;
  }
  const bool whole = bits.size() % 24 != 6;
  if (!whole) bits.resize(bits.size() - 6);
  for (size_t at = 0; at + 8 <= bits.size(); at += 8)
    out += static_cast<char>(std::stoi(bits.substr(at, 8), nullptr, 2));
  return whole;
}

void check_base64(std::string_view text) {
  std::string decoded = "not empty before";
  const parser::Base64Result result = parser::decode_base64_url(text, decoded);
  std::string plain;
  expect(result.ok == plain_base64(text, plain), "base64 as it is defined: the verdict", text);
  expect(decoded == plain, "base64 as it is defined: the bytes", text);
  expect(result.ok || result.error_at < text.size(), "an error has its place", text);
}

void check_percent(std::string_view text) {
  const std::string encoded = parser::encode_path(text);
  for (const char c : encoded) expect(c > ' ' && c < 0x7f && c != '"' && c != '?', "an encoded path is plain", text);
  std::string decoded;
  expect(net::api::percent_decode(encoded, decoded) && decoded == text, "a path comes back", text);
  std::string all;
  for (const char c : text) {
    char escape[4];
    std::snprintf(escape, sizeof escape, (static_cast<unsigned char>(c) & 1) != 0 ? "%%%02x" : "%%%02X",
                  static_cast<unsigned>(static_cast<unsigned char>(c)));
    all += escape;
  }
  expect(net::api::percent_decode(all, decoded) && decoded == text, "an escape for every byte comes back", text);
  const bool good = net::api::percent_decode(text, decoded);
  expect(text.find('%') != std::string_view::npos || (good && decoded == text), "nothing to decode", text);
  if (!good) return;
  size_t percents = 0;
  for (size_t at = 0; (at = text.find('%', at)) != std::string_view::npos; at += 3) ++percents;
  expect(decoded.size() + 2 * percents == text.size(), "an escape is three bytes for one", text);
}

// Go's %q read back.
std::string unquoted(std::string_view text) {
  std::string out;
  for (size_t at = 1; at + 1 < text.size(); ++at) {
    if (text[at] != '\\') {
      out += text[at];
      continue;
    }
    constexpr std::string_view kLetters = "abtnvfr";
    const char c = text[++at];
    const size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    if (digits != 0) {
      const auto value = static_cast<uint32_t>(std::stoul(std::string(text.substr(at + 1, digits)), nullptr, 16));
      if (c == 'x') {
        out += static_cast<char>(value);
      } else {
        parser::append_utf8(out, value);
      }
      at += digits;
    } else if (const size_t letter = kLetters.find(c); letter != std::string_view::npos) {
      out += static_cast<char>(7 + letter);
    } else {
      out += c;
    }
  }
  return out;
}

void check_quoted(std::string_view text) {
  const std::string quoted = parser::go_quoted(text);
  expect(parser::is_valid_utf8(quoted), "a quoted text is UTF-8", text);
  for (const char c : quoted) expect(static_cast<unsigned char>(c) >= ' ' && c != 0x7f, "no control is shown", text);
  expect(unquoted(quoted) == text, "a quoted text comes back", text);
}

}  // namespace

int fuzz_escape(std::string_view input) {
  check_names(input);
  check_base64(input);
  check_percent(input);
  check_quoted(input);
  return 0;
}

}  // namespace sluice

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return sluice::fuzz_escape({reinterpret_cast<const char*>(data), size});
}
