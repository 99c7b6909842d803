#include "net/http/head_template.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <utility>

#include "core/base/check.h"
#include "net/http/ascii.h"

namespace sluice::net::http {
namespace {

// 18 digits are always below 2^63.
constexpr size_t kDigitsMax = 18;

// Parts of names of fields whose values are not to be kept (credentials), or differ with each client or request.
constexpr std::string_view kOpenNames[] = {
    "auth",    "cookie",     "credential", "key",       "pass", "secret",  "session",  "signature",   "token",
    "jwt",     "oidc",       "saml",       "assertion", "csrf", "cert",    "ticket",   "correlation", "forwarded",
    "real-ip", "request-id", "span",       "trace",     "b3",   "baggage", "parent-id"};

bool contains_ignoring_case(std::string_view text, std::string_view part) noexcept {
  for (size_t at = 0; at + part.size() <= text.size(); ++at) {
    if (equals_ignoring_case(text.substr(at, part.size()), part)) return true;
  }
  return false;
}

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

// memcmp() == 0 without the call for the line ends behind the last hole. `bytes` is 4 at least.
bool same_bytes(const char* a, const char* b, size_t bytes) noexcept {
  if (bytes > 16) return std::memcmp(a, b, bytes) == 0;
  if (bytes >= 8) return load_u64(a) == load_u64(b) && load_u64(a + bytes - 8) == load_u64(b + bytes - 8);
  return load_u32(a) == load_u32(b) && load_u32(a + bytes - 4) == load_u32(b + bytes - 4);
}

// What may stand in the hole of a value: no tab, no byte above 0x7e.
bool is_visible_or_blank(char c) noexcept { return c >= ' ' && c <= '~'; }

// How many of them begin here, `most` at most.
size_t run_of_value(const char* at, size_t most) noexcept {
  constexpr uint64_t kEach = swar::kOnes;
  size_t count = 0;
  for (; most - count >= 8; count += 8) {
    // The highest bit of a byte: 0x80 and above have it, those below a blank get it by borrowing, 0x7f by one more.
    // What carries or borrows into a byte comes from one that has it already.
    const uint64_t word = load_u64(at + count);
    if (((word | (word - 0x20 * kEach) | (word + kEach)) & 0x80 * kEach) != 0) break;
  }
  while (count < most && is_visible_or_blank(at[count])) ++count;
  return count;
}

// How many bytes of a value begin here, 0 when it is none that may stand in a hole.
size_t value_bytes(std::string_view bytes) noexcept {
  const size_t count = run_of_value(bytes.data(), std::min(bytes.size(), limits::kHeadTemplateValueBytesMax + 1));
  const bool fits = count != 0 && count <= limits::kHeadTemplateValueBytesMax;
  return fits && bytes[0] != ' ' && bytes[count - 1] != ' ' ? count : 0;
}

}  // namespace

bool HeadTemplate::may_precede(const RequestLine& line) noexcept {
  return line.version_major == 1 && line.version_minor == 1 && line.method != Method::kOther &&
         line.method != Method::kConnect && line.target_text.starts_with('/');
}

bool HeadTemplate::is_open(std::string_view name) noexcept {
  return std::any_of(std::begin(kOpenNames), std::end(kOpenNames),
                     [&](std::string_view part) { return contains_ignoring_case(name, part); });
}

bool HeadTemplate::make(std::string_view fields, const Request& request, const Framing& framing) noexcept {
  const size_t count = request.headers.size();
  if (fields.size() < kKeyBytes || fields.size() > limits::kHeadTemplateBytesMax) return false;
  if (count > limits::kHeadTemplateFieldsMax || framing.chunked || framing.expect_continue) return false;
  bool has_host = false;
  bool has_length = false;
  for (const Header& header : request.headers) {
    if (equals_ignoring_case(header.name, "expect") || equals_ignoring_case(header.name, "transfer-encoding"))
      return false;
    if (equals_ignoring_case(header.name, "host")) {
      if (std::exchange(has_host, true)) return false;
      host_ = fields_;
    }
    if (equals_ignoring_case(header.name, "content-length") && std::exchange(has_length, true)) return false;
    if (!add_field(fields, header)) return false;
  }
  keep_alive_ = framing.keep_alive;
  return has_host && end_piece(fields, fields.size(), Hole::kNone) && pieces_of_[0].bytes >= kKeyBytes;
}

// The field, and with a hole in its place the text before it.
bool HeadTemplate::add_field(std::string_view fields, const Header& header) noexcept {
  const auto place = [&](std::string_view view) {
    SLUICE_CHECK(view.data() >= fields.data() && view.data() + view.size() <= fields.data() + fields.size());
    return static_cast<size_t>(view.data() - fields.data());
  };
  const size_t value = place(header.value);
  // Of the bytes in front of this one, those in holes are not in text_.
  const size_t in_holes = taken_ - text_bytes_;
  fields_of_[fields_++] = {.piece = static_cast<uint16_t>(pieces_),
                           .name = static_cast<uint16_t>(place(header.name) - in_holes),
                           .name_bytes = static_cast<uint16_t>(header.name.size()),
                           .value = static_cast<uint16_t>(value - in_holes),
                           .value_bytes = static_cast<uint16_t>(header.value.size())};
  const bool digits = equals_ignoring_case(header.name, "content-length");
  if (!digits && !is_open(header.name)) return true;
  const std::string_view behind = fields.substr(value + header.value.size());
  if (!behind.starts_with("\r\n")) return false;
  if (digits) {
    const bool fits = !header.value.empty() && header.value.size() <= kDigitsMax;
    if (!fits || !std::all_of(header.value.begin(), header.value.end(), is_digit)) return false;
  } else if (value_bytes(fields.substr(value)) != header.value.size() || header.value.empty()) {
    return false;
  }
  if (!end_piece(fields, value, digits ? Hole::kDigits : Hole::kValue)) return false;
  taken_ += static_cast<uint32_t>(header.value.size());
  return true;
}

bool HeadTemplate::end_piece(std::string_view fields, size_t end, Hole hole) noexcept {
  if (hole != Hole::kNone && pieces_ == kHolesMax) return false;
  const size_t bytes = end - taken_;
  std::memcpy(text_.data() + text_bytes_, fields.data() + taken_, bytes);
  pieces_of_[pieces_++] = {.from = static_cast<uint16_t>(text_bytes_),
                           .bytes = static_cast<uint16_t>(bytes),
                           .fields_end = static_cast<uint16_t>(fields_),
                           .hole = hole};
  text_bytes_ += static_cast<uint32_t>(bytes);
  taken_ = static_cast<uint32_t>(end);
  return true;
}

bool HeadTemplate::match(std::string_view bytes, Match& found) const noexcept {
  std::string_view rest = bytes;
  for (uint32_t i = 0;; ++i) {
    const Piece& piece = pieces_of_[i];
    if (rest.size() < piece.bytes || !same_bytes(rest.data(), text_.data() + piece.from, piece.bytes)) return false;
    found.begin[i] = rest.data() - piece.from;
    rest.remove_prefix(piece.bytes);
    if (piece.hole == Hole::kNone) break;
    size_t count = 0;
    if (piece.hole == Hole::kDigits) {
      uint64_t length = 0;
      const size_t most = std::min(rest.size(), kDigitsMax);
      for (; count < most && is_digit(rest[count]); ++count)
        length = length * 10 + static_cast<uint64_t>(rest[count] - '0');
      found.content_length = length;
    } else {
      count = value_bytes(rest);
    }
    if (count == 0) return false;
    found.hole_bytes[i] = static_cast<uint16_t>(count);
    rest.remove_prefix(count);
  }
  found.bytes = static_cast<size_t>(rest.data() - bytes.data());
  return true;
}

void HeadTemplate::fill(const Match& found, Request& request, Framing& framing) const {
  request.headers.resize(fields_);
  for (uint32_t i = 0; i < fields_; ++i) {
    const Field& field = fields_of_[i];
    const char* const begin = found.begin[field.piece];
    request.headers[i] = {.name = {begin + field.name, field.name_bytes},
                          .value = {begin + field.value, field.value_bytes}};
  }
  for (uint32_t i = 0; i + 1 < pieces_; ++i) {
    std::string_view& value = request.headers[pieces_of_[i].fields_end - 1].value;
    value = {value.data(), found.hole_bytes[i]};
  }
  request.host = request.headers[host_].value;
  framing = {
      .content_length = found.content_length, .chunked = false, .keep_alive = keep_alive_, .expect_continue = false};
}

}  // namespace sluice::net::http
