#include "net/http/head_repair.h"

#include "core/base/limits.h"
#include "net/http/ascii.h"

namespace sluice::net::http {
namespace {

constexpr Refusal kBadRequest{400, {}};

// The lines of a head.
struct Lines {
  std::string_view rest;
  bool some_crlf = false;  // among the lines taken
  bool last_crlf = false;  // the one taken last

  // The next line, without its CRLF or LF.
  std::string_view take() noexcept {
    const size_t end = rest.find('\n');
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    last_crlf = !line.empty() && line.back() == '\r';
    if (last_crlf) line.remove_suffix(1);
    some_crlf = some_crlf || last_crlf;
    return line;
  }
};

}  // namespace

Result<RepairedHead, Refusal> repair_head(std::string_view head, Request& request, std::string& strict) {
  request.headers.clear();
  Lines lines{head};
  const auto line = parse_request_line(lines.take());
  if (!line) return Unexpected(line.error());
  // llhttp only knows methods of its own list; the stand-in has the same framing.
  strict.assign("POST / HTTP/1.");
  strict += line->version_minor == 0 ? '0' : '1';
  strict += "\r\n";

  FieldRules rules;
  bool has_length = false;
  while (true) {
    const std::string_view text = lines.take();
    if (text.empty()) break;
    const size_t colon = text.find(':');
    if (colon == std::string_view::npos) return Unexpected(kBadRequest);
    const std::string_view name = text.substr(0, colon);
    const std::string_view value = ascii::trim(text.substr(colon + 1));
    // A line that continues the one before begins with a blank, which no token does.
    if (name.empty() || !ascii::all(name, ascii::kToken)) return Unexpected(kBadRequest);
    if (!ascii::all(value, ascii::kFieldValue)) return Unexpected(kBadRequest);
    if (request.headers.size() == limits::kHeadFieldsMax) return Unexpected(Refusal{431, {}});
    request.headers.push_back({name, value});
    rules.add(name, value);
    if (equals_ignoring_case(name, "content-length")) {
      if (has_length) continue;  // equal to the first, or judge() refuses
      has_length = true;
    }
    strict.append(name).append(": ").append(value).append("\r\n");
  }
  strict += "\r\n";
  // A lone LF LF in a head of CRLF lines is where two servers disagree about the end of the head.
  if (lines.some_crlf && !lines.last_crlf) return Unexpected(kBadRequest);

  const auto framing = rules.judge(*line);
  if (!framing) return Unexpected(framing.error());
  request.host = line->authority.empty() ? rules.host() : line->authority;
  return RepairedHead{*line, *framing};
}

}  // namespace sluice::net::http
