#include "net/api/negotiate.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <vector>

namespace sluice::net::api {
namespace {

// One media range of an Accept header.
struct MediaRange {
  std::string_view type, subtype, version, escaping;
  double q = 1.0;
  size_t parameters = 0;
};

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Cuts the part up to `separator` off the front of `rest`.
std::string_view cut(std::string_view& rest, char separator) {
  const size_t at = rest.find(separator);
  const std::string_view part = rest.substr(0, at);
  rest = at == std::string_view::npos ? std::string_view() : rest.substr(at + 1);
  return part;
}

void read_parameter(std::string_view parameter, MediaRange& range) {
  std::string_view rest = parameter;
  const std::string_view name = trim(cut(rest, '='));
  if (rest.empty() || rest.find('=') != std::string_view::npos) return;  // the reference skips both
  if (name == "q") {
    double q = 0;
    const auto [end, status] = std::from_chars(rest.data(), rest.data() + rest.size(), q);
    range.q = status == std::errc() && end == rest.data() + rest.size() ? q : 0;
    return;
  }
  ++range.parameters;
  const std::string_view value = trim(rest);
  if (name == "version") range.version = value;
  if (name == "escaping") range.escaping = value;
}

std::optional<MediaRange> read_range(std::string_view part) {
  MediaRange range;
  std::string_view parameters = trim(part);
  std::string_view media = cut(parameters, ';');
  range.type = trim(cut(media, '/'));
  if (media.empty()) {
    if (range.type != "*") return std::nullopt;
    range.subtype = "*";
  } else {
    if (media.find('/') != std::string_view::npos) return std::nullopt;
    range.subtype = trim(media);
  }
  while (!parameters.empty()) read_parameter(cut(parameters, ';'), range);
  return range;
}

// Best first: by q, then exact types before ranges, then by number of parameters.
bool before(const MediaRange& a, const MediaRange& b) {
  if (a.q != b.q) return a.q > b.q;
  if ((a.type == "*") != (b.type == "*")) return b.type == "*";
  if ((a.subtype == "*") != (b.subtype == "*")) return b.subtype == "*";
  return a.parameters > b.parameters;
}

struct Named {
  std::string_view name;
  Escaping escaping;
};
constexpr Named kEscapings[] = {{"underscores", Escaping::kUnderscores},
                                {"dots", Escaping::kDots},
                                {"values", Escaping::kValues},
                                {"allow-utf-8", Escaping::kAllowUtf8}};

bool is_token(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte > 0x20 && byte < 0x7f && std::string_view("()<>@,;:\\\"[]?={}").find(c) == std::string_view::npos;
}

// Cuts leading blanks.
void skip_blanks(std::string_view& text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
}

// "0", "1" with decimals, from the front of `text`; negative when there is none.
double read_quality(std::string_view& text) {
  if (text.empty() || (text.front() != '0' && text.front() != '1')) return -1;
  double q = text.front() - '0';
  text.remove_prefix(1);
  if (!text.starts_with('.')) return q;
  text.remove_prefix(1);
  double scale = 0.1;
  while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
    q += (text.front() - '0') * scale;
    scale /= 10;
    text.remove_prefix(1);
  }
  return q;
}

struct Offer {
  double identity = -1;
  double gzip = -1;
};

// Reads one Accept-Encoding field as the reference's parser does: it stops at the first thing that it does not know.
void read_encodings(std::string_view text, Offer& best) {
  while (true) {
    size_t length = 0;
    while (length < text.size() && is_token(text[length])) ++length;
    const std::string_view coding = text.substr(0, length);
    if (coding.empty()) return;
    text.remove_prefix(length);
    double q = 1;
    skip_blanks(text);
    if (text.starts_with(';')) {
      text.remove_prefix(1);
      skip_blanks(text);
      if (!text.starts_with("q=")) return;
      text.remove_prefix(2);
      q = read_quality(text);
      if (q < 0) return;
    }
    if (coding == "identity" || coding == "*") best.identity = std::max(best.identity, q);
    if (coding == "gzip" || coding == "*") best.gzip = std::max(best.gzip, q);
    skip_blanks(text);
    if (!text.starts_with(',')) return;
    text.remove_prefix(1);
    skip_blanks(text);
  }
}

bool same_name(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

}  // namespace

Escaping negotiate_escaping(std::string_view accept) {
  std::vector<MediaRange> ranges;
  while (!accept.empty()) {
    if (const auto range = read_range(cut(accept, ','))) ranges.push_back(*range);
  }
  std::ranges::stable_sort(ranges, before);
  Escaping escaping = Escaping::kUnderscores;
  for (const MediaRange& range : ranges) {
    for (const Named& known : kEscapings) {
      if (range.escaping == known.name) escaping = known.escaping;
    }
    if (range.type == "text" && range.subtype == "plain" && (range.version == "0.0.4" || range.version.empty())) break;
  }
  return escaping;
}

std::string_view text_content_type(Escaping escaping) noexcept {
  switch (escaping) {
    case Escaping::kUnderscores:
      return "text/plain; version=0.0.4; charset=utf-8; escaping=underscores";
    case Escaping::kDots:
      return "text/plain; version=0.0.4; charset=utf-8; escaping=dots";
    case Escaping::kValues:
      return "text/plain; version=0.0.4; charset=utf-8; escaping=values";
    case Escaping::kAllowUtf8:
      return "text/plain; version=0.0.4; charset=utf-8; escaping=allow-utf-8";
  }
  return {};
}

bool negotiate_gzip(const http::Request& request) {
  Offer best;
  for (const http::Header& header : request.headers) {
    if (same_name(header.name, "accept-encoding")) read_encodings(header.value, best);
  }
  // Identity is offered first and wins a tie.
  return best.gzip > best.identity && best.gzip > 0;
}

}  // namespace sluice::net::api
