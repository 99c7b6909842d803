#include "parser/path.h"

#include <cstdint>

#include "core/base/swar.h"
#include "parser/names.h"

namespace sluice::parser {
namespace {

// Not 0 where an escape or a query begins at one of the bytes 1 to 8 behind `at`, or where cleaning might find work at
// one of the bytes 0 to 7: a slash with a slash or a dot behind it. These two differ in their lowest bit only.
uint64_t marks_of(const char* at) noexcept {
  static_assert(('.' | 1) == '/');
  const uint64_t word = load_u64(at);
  const uint64_t next = load_u64(at + 1);
  return (swar::bytes_equal_to(word, '/') & swar::bytes_equal_to(next | swar::kOnes, '/')) |
         swar::bytes_equal_to(next, '%') | swar::bytes_equal_to(next, '?');
}

}  // namespace

std::string clean_path(std::string_view path) {
  std::string out;
  size_t at = 0;
  while (at < path.size()) {
    const size_t slash = path.find('/', at);
    const size_t end = slash == std::string_view::npos ? path.size() : slash;
    const std::string_view segment = path.substr(at, end - at);
    if (segment == "..") {
      // Above the root there is nothing to leave.
      const size_t parent = out.rfind('/');
      out.resize(parent == std::string::npos ? 0 : parent);
    } else if (!segment.empty() && segment != ".") {
      out += '/';
      out += segment;
    }
    at = end + 1;
  }
  if (out.empty() || path.back() == '/') out += '/';
  return out;
}

bool is_plain_path(std::string_view target) noexcept {
  constexpr size_t kWindow = 9;  // what marks_of looks at
  if (target.size() < kWindow || target[0] != '/') return false;
  const char* const last = target.data() + target.size() - kWindow;
  uint64_t marks = 0;
  for (const char* at = target.data(); at < last; at += 8) marks |= marks_of(at);
  return (marks | marks_of(last)) == 0;
}

std::string encode_path(std::string_view path) {
  constexpr std::string_view kKept = "-_.~$&+,/:;=@";
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  out.reserve(path.size());
  for (const char c : path) {
    if (is_name_continuation(c) || kKept.find(c) != std::string_view::npos) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += '%';
      out += kHex[byte >> 4];
      out += kHex[byte & 0xf];
    }
  }
  return out;
}

}  // namespace sluice::parser
