// Go's prototext of a message, field by field: what `encoding=text` (a line for each field) and `encoding=compact-text`
// (one line for each family) show.
//
// Where Go prints one or two blanks at random, here is one. Appends to a string that the caller hands out in pieces, so
// that a message may be longer than memory. One owner, one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::render {

class PrototextWriter {
 public:
  PrototextWriter(std::string& out, bool multiline) : out_(out), multiline_(multiline) {}

  // A message at the top: no name, no braces; end_top() ends it as Go's Fprintln does.
  void begin_top() { last_ = Last::kStart; }
  void end_top();

  // The name of a field, behind which one of the following comes.
  void name(std::string_view name);
  void number(double value);
  void number(uint64_t value);
  void number(int64_t value);
  // A number in Go's spelling (+Inf, -Inf and NaN among them), or a name as it is.
  void number_text(std::string_view text);
  void literal(std::string_view text);
  void open();
  void close();
  // A string: whole, or in pieces that end between two characters of UTF-8.
  void string(std::string_view text);
  void begin_string();
  void string_piece(std::string_view text);
  void end_string();

 private:
  enum class Last : uint8_t { kStart, kName, kOpen, kValue };
  void before_value();
  void new_line();

  std::string& out_;
  bool multiline_;
  Last last_ = Last::kStart;
  size_t depth_ = 0;
};

// Length of the longest prefix of `text` of at most `bytes_max` (at least 8) that ends between two characters, or, for
// `escaped` text of a sample line, not behind the backslash of an escape either.
[[nodiscard]] size_t piece_bytes(std::string_view text, size_t bytes_max, bool escaped) noexcept;

}  // namespace sluice::render
