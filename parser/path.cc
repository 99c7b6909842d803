#include "parser/path.h"

#include "parser/names.h"

namespace sluice::parser {

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
