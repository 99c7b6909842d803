#include "tests/net/http/http1_cases.h"

#include <isa-l/igzip_lib.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <stdexcept>

namespace sluice::net::http {
namespace {

std::string from_base64(std::string_view text) {
  static constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  unsigned bits = 0;
  unsigned held = 0;
  for (const char c : text) {
    if (c == '=') break;
    const size_t digit = kAlphabet.find(c);
    if (digit == std::string_view::npos) throw std::runtime_error("bad base64 in the cases");
    bits = (bits << 6 | static_cast<unsigned>(digit)) & 0xffffff;
    held += 6;
    if (held >= 8) {
      held -= 8;
      bytes += static_cast<char>(bits >> held & 0xff);
    }
  }
  return bytes;
}

std::string from_zlib(const std::string& packed, size_t bytes) {
  std::string out(bytes, '\0');
  std::string in = packed;
  inflate_state state;
  isal_inflate_init(&state);
  state.crc_flag = ISAL_ZLIB;
  state.next_in = reinterpret_cast<uint8_t*>(in.data());
  state.avail_in = static_cast<uint32_t>(in.size());
  state.next_out = reinterpret_cast<uint8_t*>(out.data());
  state.avail_out = static_cast<uint32_t>(out.size());
  if (isal_inflate(&state) != ISAL_DECOMP_OK || state.avail_out != 0) throw std::runtime_error("bad zlib in the cases");
  return out;
}

using simdjson::dom::element;

int count_of_responses(const element& recording) {
  simdjson::dom::array responses;
  if (recording["responses"].get(responses)) return 0;
  return static_cast<int>(responses.size());
}

std::vector<std::string> parts_of(const element& item) {
  std::vector<std::string> parts;
  std::string_view text;
  simdjson::dom::array pieces;
  if (!item["parts_b64"].get(pieces)) {
    for (const element piece : pieces) parts.push_back(from_base64(std::string_view(piece)));
  } else if (!item["raw_zlib_b64"].get(text)) {
    parts.push_back(from_zlib(from_base64(text), static_cast<size_t>(int64_t(item["raw_len"]))));
  } else {
    parts.push_back(from_base64(std::string_view(item["raw_b64"])));
  }
  return parts;
}

void read_expectation(const element& item, Http1Case& made) {
  element expect;
  simdjson::dom::array array;
  std::string_view text;
  // Where nothing else is said, no more requests than the reference served: more would be smuggling.
  int recorded = 0;
  for (const char* const name : {"go1.24_pushgateway_1.11.2", "go1.27_pushgateway_head"}) {
    element recording;
    if (!item[name].get(recording)) recorded = std::max(recorded, count_of_responses(recording));
  }
  if (recorded != 0) made.served_max = recorded;
  if (item["expect"].get(expect)) return;
  if (!expect["status"].get(array)) {
    for (const element status : array) made.status.push_back(static_cast<int>(int64_t(status)));
  }
  if (!expect["responses"].get(array)) {
    made.responses_min = static_cast<int>(int64_t(array.at(0)));
    made.responses_max = static_cast<int>(int64_t(array.at(1)));
    made.served_max = made.responses_max;
  }
  if (!expect["close"].get(text)) {
    made.close = text == "must" ? Http1Case::Close::kMust
                                : (text == "must_not" ? Http1Case::Close::kMustNot : Http1Case::Close::kMay);
  }
}

std::string list(const std::vector<int>& numbers) {
  std::string text = "[";
  for (const int number : numbers) text += (text.size() > 1 ? " " : "") + std::to_string(number);
  return text + "]";
}

}  // namespace

std::string judge(const Http1Case& wanted, const Reaction& reaction) {
  const auto count = static_cast<int>(reaction.statuses.size());
  if (count > wanted.responses_max) return "smuggling: " + list(reaction.statuses);
  const auto served = std::ranges::count_if(reaction.statuses,
                                            [](int status) { return status != 400 && status != 501 && status != 505; });
  if (served > wanted.served_max) return "smuggling: " + list(reaction.statuses);
  if (count < wanted.responses_min) return "too few responses: " + list(reaction.statuses);
  if (count > 0 && !wanted.status.empty() && !std::ranges::count(wanted.status, reaction.statuses[0])) {
    return "first status of " + list(reaction.statuses) + " is not one of " + list(wanted.status);
  }
  if (wanted.close == Http1Case::Close::kMust && !reaction.closed) return "not closed after " + list(reaction.statuses);
  if (wanted.close == Http1Case::Close::kMustNot && reaction.closed) return "closed after " + list(reaction.statuses);
  return {};
}

std::optional<std::vector<Http1Case>> outside_http1_cases() {
  const std::filesystem::path path = std::filesystem::path(SLUICE_SOURCE_DIR) / "../shared/cases/http1.json";
  if (!std::filesystem::exists(path)) return std::nullopt;
  simdjson::dom::parser parser;
  const element document = parser.load(path.string());
  std::vector<Http1Case> cases;
  for (const element item : document["cases"]) {
    Http1Case& made = cases.emplace_back();
    made.id = std::string_view(item["id"]);
    made.parts = parts_of(item);
    std::string_view send;
    made.byte_by_byte = !item["send"].get(send) && send == "one byte at a time";
    bool half_close = false;
    made.half_close = !item["half_close_after_send"].get(half_close) && half_close;
    read_expectation(item, made);
  }
  return cases;
}

}  // namespace sluice::net::http
