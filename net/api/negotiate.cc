#include "net/api/negotiate.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "parser/number.h"

namespace sluice::net::api {
namespace {

constexpr std::string_view kProtobufMessage = "io.prometheus.client.MetricFamily";
// Up to here Go's sort.Sort is an insertion sort.
constexpr size_t kInsertionSortMax = 12;

// One media range of an Accept header. Empty parameters are as good as none.
struct MediaRange {
  std::string_view type, subtype, version, escaping, proto, encoding;
  double q = 1.0;
  size_t position = 0;  // in the header
};

std::string_view trim(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

// Cuts the part up to `separator` off the front of `rest`.
std::string_view cut(std::string_view& rest, char separator) {
  const size_t at = rest.find(separator);
  const std::string_view part = rest.substr(0, at);
  rest = at == std::string_view::npos ? std::string_view() : rest.substr(at + 1);
  return part;
}

// strconv.ParseFloat(text, 32) with its error ignored.
double read_q(std::string_view text) {
  double q = 0;
  if (parser::parse_float(text, q) == parser::NumberError::kRange) {
    q = text.starts_with('-') ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::infinity();
  }
  return static_cast<float>(q);
}

void read_parameter(std::string_view parameter, MediaRange& range) {
  std::string_view rest = parameter;
  const std::string_view name = trim(cut(rest, '='));
  const std::string_view raw = cut(rest, '=');
  if (raw.empty() || !rest.empty()) return;  // the reference passes over `a`, `a=` and `a=b=c`
  if (name == "q") {
    range.q = read_q(raw);
    return;
  }
  const std::string_view value = trim(raw);
  if (name == "version") range.version = value;
  if (name == "escaping") range.escaping = value;
  if (name == "proto") range.proto = value;
  if (name == "encoding") range.encoding = value;
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
    range.subtype = trim(cut(media, '/'));
    if (!media.empty()) return std::nullopt;
  }
  while (!parameters.empty()) read_parameter(cut(parameters, ';'), range);
  return range;
}

// The reference's order (goautoneg), which is none: an exact type stands before a range whatever their q.
bool less(const MediaRange& a, const MediaRange& b) {
  if (a.q > b.q) return true;
  if (a.type != "*" && b.type == "*") return true;
  return a.subtype != "*" && b.subtype == "*";
}

void sort_ranges(std::vector<MediaRange>& ranges) {
  if (ranges.size() > kInsertionSortMax) {
    // Here the outcome of the reference is an accident; ours is by q alone.
    const auto q_of = [](const MediaRange& range) { return std::isnan(range.q) ? 0 : range.q; };
    std::ranges::sort(ranges, [&q_of](const MediaRange& a, const MediaRange& b) {
      return q_of(a) != q_of(b) ? q_of(a) > q_of(b) : a.position < b.position;
    });
    return;
  }
  for (size_t i = 1; i < ranges.size(); ++i) {
    for (size_t k = i; k > 0 && less(ranges[k], ranges[k - 1]); --k) std::swap(ranges[k], ranges[k - 1]);
  }
}

struct Named {
  std::string_view name;
  render::NameEscaping escaping;
};
constexpr Named kEscapings[] = {{"underscores", render::NameEscaping::kUnderscores},
                                {"dots", render::NameEscaping::kDots},
                                {"values", render::NameEscaping::kValues},
                                {"allow-utf-8", render::NameEscaping::kNone}};

// The format that a range asks for, if it is offered.
std::optional<ScrapeFormat::Kind> format_of(const MediaRange& range) {
  if (range.type == "application" && range.subtype == "vnd.google.protobuf" && range.proto == kProtobufMessage) {
    if (range.encoding == "delimited") return ScrapeFormat::Kind::kDelimited;
    if (range.encoding == "text") return ScrapeFormat::Kind::kProtobufText;
    if (range.encoding == "compact-text") return ScrapeFormat::Kind::kCompactText;
  }
  const bool text = range.type == "text" && range.subtype == "plain";
  if (text && (range.version == "0.0.4" || range.version.empty())) return ScrapeFormat::Kind::kText;
  return std::nullopt;
}

std::string_view media_type(ScrapeFormat::Kind kind) {
  switch (kind) {
    case ScrapeFormat::Kind::kText:
      break;
    case ScrapeFormat::Kind::kDelimited:
      return "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited";
    case ScrapeFormat::Kind::kProtobufText:
      return "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=text";
    case ScrapeFormat::Kind::kCompactText:
      return "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=compact-text";
  }
  return "text/plain; version=0.0.4; charset=utf-8";
}

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

ScrapeFormat negotiate_format(std::string_view accept) {
  std::vector<MediaRange> ranges;
  while (!accept.empty()) {
    const auto range = read_range(cut(accept, ','));
    if (!range) continue;
    ranges.push_back(*range);
    ranges.back().position = ranges.size();
  }
  sort_ranges(ranges);
  ScrapeFormat format;
  for (const MediaRange& range : ranges) {
    // The escaping of every range up to the one that is chosen counts, the last one most.
    for (const Named& known : kEscapings) {
      if (range.escaping == known.name) format.escaping = known.escaping;
    }
    if (const auto kind = format_of(range)) {
      format.kind = *kind;
      break;
    }
  }
  return format;
}

std::string content_type(ScrapeFormat format) {
  std::string text(media_type(format.kind));
  text += "; escaping=";
  for (const Named& known : kEscapings) {
    if (known.escaping == format.escaping) text += known.name;
  }
  return text;
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
