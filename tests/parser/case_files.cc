#include "tests/parser/case_files.h"

#include <cstdint>
#include <filesystem>

#include "core/base/check.h"

namespace sluice::parser::test {

std::optional<simdjson::dom::element> load_cases(simdjson::dom::parser& parser, std::string_view name) {
  const auto path =
      std::filesystem::path(SLUICE_SOURCE_DIR).parent_path() / "shared" / "cases" / (std::string(name) + ".json");
  if (!std::filesystem::exists(path)) return std::nullopt;
  simdjson::dom::element document;
  SLUICE_CHECK(parser.load(path.string()).get(document) == simdjson::SUCCESS);
  return document;
}

std::string decode_base64(std::string_view text) {
  std::string out;
  uint32_t bits = 0;
  int have = 0;
  for (const char c : text) {
    constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const size_t digit = kAlphabet.find(c);
    if (digit == std::string_view::npos) continue;
    bits = bits << 6 | static_cast<uint32_t>(digit);
    have += 6;
    if (have >= 8) {
      have -= 8;
      out.push_back(static_cast<char>(bits >> have & 0xff));
    }
  }
  return out;
}

std::string bytes_of(simdjson::dom::element element) {
  std::string_view text;
  if (element.get(text) == simdjson::SUCCESS) return std::string(text);
  SLUICE_CHECK(element["b64"].get(text) == simdjson::SUCCESS);
  return decode_base64(text);
}

simdjson::dom::array array_of(simdjson::simdjson_result<simdjson::dom::element> element) {
  simdjson::dom::array array;
  SLUICE_CHECK(element.get(array) == simdjson::SUCCESS);
  return array;
}

}  // namespace sluice::parser::test
