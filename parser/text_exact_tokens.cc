// The scans of ExactTextParser: where tokens end, and what they stand for once escapes and quotes are undone.
#include <algorithm>
#include <bit>
#include <cstring>

#include "core/base/check.h"
#include "core/base/limits.h"
#include "parser/names.h"
#include "parser/quote.h"
#include "parser/text_exact.h"

namespace sluice::parser {
namespace {

// Bytes that are rewritten or checked between two looks at the clock.
constexpr size_t kWindowBytes = 4096;

constexpr uint64_t repeat(char c) noexcept { return 0x0101010101010101u * static_cast<unsigned char>(c); }

// Bit 7 of every byte of `word` that is zero; exact for the lowest one, which is all that is asked for.
// Example: 0x00 gives 0x80; 0x01 gives 0 unless a zero byte lies below it.
constexpr uint64_t zero_bytes(uint64_t word) noexcept {
  return (word - 0x0101010101010101u) & ~word & 0x8080808080808080u;
}

// The first byte at or after `at` that is `a`, `b` or `c`, else `limit`; the bytes before it are or'ed into `high`.
const char* find_any(const char* at, const char* limit, char a, char b, char c, uint64_t& high) noexcept {
  while (limit - at >= 8) {
    uint64_t word;
    std::memcpy(&word, at, 8);
    if constexpr (std::endian::native == std::endian::little) {
      const uint64_t hits = zero_bytes(word ^ repeat(a)) | zero_bytes(word ^ repeat(b)) | zero_bytes(word ^ repeat(c));
      if (hits != 0) break;
    } else {
      break;
    }
    high |= word;
    at += 8;
  }
  for (; at != limit && *at != a && *at != b && *at != c; ++at) high |= static_cast<unsigned char>(*at);
  return at;
}

constexpr bool is_escape(char c) noexcept { return c == '\\' || c == 'n' || c == '"'; }

// The text of `raw` with its quotes (if `quotes`) taken off and its escapes undone. `out` has room for raw.size().
size_t unescape(std::string_view raw, bool quotes, char* out) noexcept {
  size_t used = 0;
  for (size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] == '\\') {
      if (++i == raw.size()) break;
      out[used++] = raw[i] == 'n' ? '\n' : raw[i];
    } else if (!quotes || raw[i] != '"') {
      out[used++] = raw[i];
    }
  }
  return used;
}

}  // namespace

void ExactTextParser::begin_token(State next) {
  token_ = at_;
  high_bits_ = 0;
  in_quotes_ = after_backslash_ = closed_ = has_quotes_ = has_escapes_ = rewriting_ = false;
  checked_ = 0;
  state_ = next;
}

std::string_view ExactTextParser::raw_token() const noexcept { return {token_, static_cast<size_t>(at_ - token_)}; }

ExactTextParser::Go ExactTextParser::skip_blanks() {
  while (at_ != limit_) {
    if (*at_ != ' ' && *at_ != '\t') return Go::kOn;
    ++at_;
  }
  return Go::kLimit;
}

ExactTextParser::Go ExactTextParser::scan_word() {
  while (at_ != limit_) {
    if (*at_ == ' ' || *at_ == '\t' || *at_ == '\n') return Go::kOn;
    ++at_;
  }
  return Go::kLimit;
}

// Reads up to the end of the line. Without `escapes` a backslash means nothing here (token_as_text() drops it).
ExactTextParser::Go ExactTextParser::scan_text(bool escapes) {
  while (at_ != limit_) {
    if (after_backslash_) {
      if (!is_escape(*at_)) {
        std::string message = "invalid escape sequence '\\";
        append_byte_as_char(message, *at_);
        return fail(message + "'");
      }
      after_backslash_ = false;
      ++at_;
      continue;
    }
    at_ = find_any(at_, limit_, '\n', '\\', '\n', high_bits_);
    if (at_ == limit_) break;
    if (*at_ == '\n') return Go::kOn;
    has_escapes_ = true;
    after_backslash_ = escapes;
    ++at_;
  }
  return Go::kLimit;
}

// Reads a label value behind its opening quote, up to the closing one.
ExactTextParser::Go ExactTextParser::scan_label_value() {
  while (at_ != limit_) {
    if (after_backslash_) {
      if (!is_escape(*at_)) {
        std::string message = "invalid escape sequence '\\";
        append_byte_as_char(message, *at_);
        return fail(message + "'");
      }
      after_backslash_ = false;
      ++at_;
      continue;
    }
    at_ = find_any(at_, limit_, '"', '\\', '\n', high_bits_);
    if (at_ == limit_) break;
    if (*at_ == '"') return Go::kOn;
    if (*at_ == '\n') return fail("label value " + go_quoted(token_as_text()) + " contains unescaped new-line");
    has_escapes_ = after_backslash_ = true;
    ++at_;
  }
  return Go::kLimit;
}

// Reads a name: letters, digits, `_` (`:` in metric names), and from a quote on anything up to the closing quote, which
// ends it. So `a"b"` is the name ab. Where no name can begin, the token is empty.
ExactTextParser::Go ExactTextParser::scan_name(Token kind) {
  const bool colon = kind == Token::kMetricName;
  while (at_ != limit_) {
    const char c = *at_;
    if (closed_) return Go::kOn;
    if (at_ - token_ > static_cast<ptrdiff_t>(limits::kNameBytesMax)) {
      return fail("name of more than " + std::to_string(limits::kNameBytesMax) + " bytes", limits::Limit::kNameBytes);
    }
    if (!in_quotes_) {
      if (c == '"') {
        in_quotes_ = has_quotes_ = true;
      } else if (!(is_name_start(c) || (colon && c == ':') || (at_ != token_ && is_name_continuation(c)))) {
        return Go::kOn;
      }
    } else if (after_backslash_) {
      if (!is_escape(c)) {
        std::string message = "invalid escape sequence '\\";
        append_byte_as_char(message, c);
        return fail(message + "'");
      }
      after_backslash_ = false;
    } else if (c == '"') {
      closed_ = true;
    } else if (c == '\n') {
      return fail((colon ? "metric name " : "label name ") + go_quoted(token_as_text()) +
                  " contains unescaped new-line");
    } else if (c == '\\') {
      has_escapes_ = after_backslash_ = true;
    }
    ++at_;
  }
  return Go::kLimit;
}

// The token for an error text: quotes and escapes undone, cut at the limit. The states without escapes lose their
// backslashes only.
std::string ExactTextParser::token_as_text() const {
  std::string_view raw = raw_token().substr(0, limits::kErrorTokenBytesMax);
  std::string text;
  if (state_ == State::kTypeText || state_ == State::kAfterTimestamp) {
    for (const char c : raw) {
      if (c != '\\') text.push_back(c);
    }
    return text;
  }
  text.resize(raw.size());
  text.resize(unescape(raw, has_quotes_, text.data()));
  return text;
}

std::string_view ExactTextParser::stored_name() {
  const std::string_view raw = raw_token();
  if (!has_quotes_) return raw;
  if (!has_escapes_ && raw.front() == '"') return raw.substr(1, raw.size() - 2);
  char* const out = out_->arena.allocate(raw.size());  // at most limits::kNameBytesMax
  return {out, unescape(raw, true, out)};
}

// Sets text_ to the token without its escapes, a window at a time: kOn when it is complete.
ExactTextParser::Go ExactTextParser::undo_escapes() {
  const std::string_view raw = raw_token();
  if (!has_escapes_) {
    text_ = raw;
    return Go::kOn;
  }
  if (!rewriting_) {
    rewriting_ = true;
    rewritten_ = 0;
    rewritten_to_ = out_->arena.allocate(raw.size());
    text_ = {rewritten_to_, rewritten_to_};
  }
  size_t bytes = std::min(kWindowBytes, raw.size() - rewritten_);
  // An escape is not cut in two: an odd number of backslashes at the end takes the next byte along.
  const std::string_view window = raw.substr(rewritten_, bytes);
  const size_t other = window.find_last_not_of('\\');
  const size_t backslashes = window.size() - (other == std::string_view::npos ? 0 : other + 1);
  if (backslashes % 2 != 0 && rewritten_ + bytes < raw.size()) ++bytes;
  text_ = {rewritten_to_, text_.size() + unescape(raw.substr(rewritten_, bytes), false, rewritten_to_ + text_.size())};
  rewritten_ += bytes;
  return rewritten_ == raw.size() ? Go::kOn : Go::kLimit;
}

// Checks text_, a window at a time: kOn when all of it is UTF-8.
ExactTextParser::Go ExactTextParser::check_utf8() {
  if ((high_bits_ & 0x8080808080808080u) == 0) return Go::kOn;
  size_t bytes = std::min(kWindowBytes, text_.size() - checked_);
  if (checked_ + bytes < text_.size()) {
    // Ends before a character, unless there are so many continuation bytes that it is invalid anyway.
    for (int back = 0; back < 3 && (text_[checked_ + bytes] & 0xc0) == 0x80; ++back) --bytes;
  }
  if (!is_valid_utf8(text_.substr(checked_, bytes))) {
    return fail("invalid label value " + go_quoted(text_.substr(0, limits::kErrorTokenBytesMax)));
  }
  checked_ += bytes;
  return checked_ == text_.size() ? Go::kOn : Go::kLimit;
}

}  // namespace sluice::parser
