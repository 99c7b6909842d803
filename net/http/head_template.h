// The fields of one head that was well-formed, to recognise the next one by: fleets send the same fields with every
// push, but for the digits of Content-Length.
//
// A template is literal text with holes. In a hole stands what may differ: the digits of Content-Length, and the values
// of fields that are different for each client or request and that framing does not look at. The values of fields whose
// names speak of credentials (is_open()) are holes, too: no such secret is kept beyond its request, and how long a
// comparison takes says nothing about one.
//
// What matches gets what llhttp and FieldRules would say. For that make() takes only heads of which nothing in the
// verdict depends on what may differ: one Content-Length of 1 to 18 digits without blanks behind it, or none; no
// Expect, no Transfer-Encoding; every hole of visible characters and single blanks, so that a value is trimmed and
// cannot be folded; both ways of reading a head (llhttp's and head_repair's) agree about these fields. Which request
// lines may stand before them is said by may_precede().
//
// One owner, one thread. Memory: 1.5 KiB. Nothing is allocated.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/base/limits.h"
#include "net/http/ascii.h"
#include "net/http/exchange.h"
#include "net/http/field_rules.h"

namespace sluice::net::http {

class HeadTemplate {
 public:
  // Of fewer bytes no template is made, none matches, and no hole begins before.
  static constexpr size_t kKeyBytes = 8;

  // Where the pieces of a head lie that matched.
  struct Match;

  // Whether a head with this line has the verdict that its fields alone give: HTTP/1.1, a known method but CONNECT, and
  // a path, so that the host is that of the Host field.
  [[nodiscard]] static bool may_precede(const RequestLine& line) noexcept;
  // Whether the value of a field of that name is a hole (not Content-Length, which is one of its own kind).
  [[nodiscard]] static bool is_open(std::string_view name) noexcept;

  // Takes the fields of a head on which `request` and `framing` are the verdict. `fields`: what lies behind the line's
  // CRLF, to the end of the empty line; `request`'s views point into it. False: they are not fit for a template, and
  // this is to be dropped.
  [[nodiscard]] bool make(std::string_view fields, const Request& request, const Framing& framing) noexcept;

  // A quick look: false when `bytes` cannot match.
  [[nodiscard]] bool may_match(std::string_view bytes) const noexcept {
    const size_t first = pieces_of_[0].bytes;
    return bytes.size() >= first && load_u64(bytes.data() + first - 8) == load_u64(text_.data() + first - 8);
  }
  // Whether `bytes`, which may go on behind the head, begin with these fields.
  [[nodiscard]] bool match(std::string_view bytes, Match& found) const noexcept;
  // The fields, the host and the framing of what matched; views point into the bytes that match() was given.
  void fill(const Match& found, Request& request, Framing& framing) const;

 private:
  static constexpr size_t kHolesMax = 8;

  enum class Hole : uint8_t { kNone, kDigits, kValue };
  // Literal text and the hole behind it, the value of the last field whose name lies in the text.
  struct Piece {
    uint16_t from = 0;  // in text_
    uint16_t bytes = 0;
    uint16_t fields_end = 0;  // fields that end in this piece, its hole or those before it
    Hole hole = Hole::kNone;
  };
  // One field. Places are those in text_; the value of a hole begins where its piece ends.
  struct Field {
    uint16_t piece = 0;
    uint16_t name = 0;
    uint16_t name_bytes = 0;
    uint16_t value = 0;
    uint16_t value_bytes = 0;
  };

  [[nodiscard]] bool add_field(std::string_view fields, const Header& header) noexcept;
  [[nodiscard]] bool end_piece(std::string_view fields, size_t end, Hole hole) noexcept;

  uint32_t pieces_ = 0;
  uint32_t fields_ = 0;
  uint32_t host_ = 0;  // among the fields
  uint32_t text_bytes_ = 0;
  uint32_t taken_ = 0;  // while it is made: bytes of the head's fields in text_ and holes
  bool keep_alive_ = true;
  std::array<Piece, kHolesMax + 1> pieces_of_;
  std::array<Field, limits::kHeadTemplateFieldsMax> fields_of_;
  std::array<char, limits::kHeadTemplateBytesMax> text_;
};

struct HeadTemplate::Match {
  size_t bytes = 0;  // of the fields, the empty line included
  uint64_t content_length = kNoLength;
  std::array<const char*, kHolesMax + 1> begin;  // for each piece: where text_ would begin if all of it lay so
  std::array<uint16_t, kHolesMax> hole_bytes;    // behind each piece
};

}  // namespace sluice::net::http
