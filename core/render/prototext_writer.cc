#include "core/render/prototext_writer.h"

#include "core/base/prototext.h"

namespace sluice::render {

void PrototextWriter::end_top() {
  out_ += '\n';
  // prototext ends a message of many lines with a newline of its own.
  if (multiline_ && last_ != Last::kStart) out_ += '\n';
}

void PrototextWriter::new_line() {
  out_ += '\n';
  out_.append(2 * depth_, ' ');
}

void PrototextWriter::name(std::string_view name) {
  if (last_ == Last::kOpen) {
    ++depth_;
    if (multiline_) new_line();
  } else if (last_ == Last::kValue) {
    if (multiline_) {
      new_line();
    } else {
      out_ += ' ';
    }
  }
  out_ += name;
  out_ += ':';
  last_ = Last::kName;
}

void PrototextWriter::before_value() {
  if (multiline_) out_ += ' ';
  last_ = Last::kValue;
}

void PrototextWriter::number(double value) {
  before_value();
  append_prototext_number(out_, value);
}

void PrototextWriter::number(uint64_t value) {
  before_value();
  append_prototext_number(out_, value);
}

void PrototextWriter::number(int64_t value) {
  before_value();
  out_ += std::to_string(value);
}

void PrototextWriter::number_text(std::string_view text) {
  before_value();
  if (text == "+Inf") {
    out_ += "inf";
  } else if (text == "-Inf") {
    out_ += "-inf";
  } else if (text == "NaN") {
    out_ += "nan";
  } else {
    out_ += text;
  }
}

void PrototextWriter::literal(std::string_view text) {
  before_value();
  out_ += text;
}

void PrototextWriter::open() {
  before_value();
  out_ += '{';
  last_ = Last::kOpen;
}

void PrototextWriter::close() {
  // A message without fields is `{}`.
  if (last_ != Last::kOpen) {
    --depth_;
    if (multiline_) new_line();
  }
  out_ += '}';
  last_ = Last::kValue;
}

void PrototextWriter::string(std::string_view text) {
  before_value();
  append_prototext_string(out_, text);
}

void PrototextWriter::begin_string() {
  before_value();
  out_ += '"';
}

void PrototextWriter::string_piece(std::string_view text) { append_prototext_escaped(out_, text); }

void PrototextWriter::end_string() { out_ += '"'; }

size_t piece_bytes(std::string_view text, size_t bytes_max, bool escaped) noexcept {
  if (text.size() <= bytes_max) return text.size();
  size_t bytes = bytes_max;
  // Back to the first byte of the character that does not fit; a run of such bytes that is longer is not UTF-8.
  for (int i = 0; i < 3 && (static_cast<unsigned char>(text[bytes]) & 0xc0) == 0x80; ++i) --bytes;
  if (!escaped) return bytes;
  size_t backslashes = 0;
  while (backslashes < bytes && text[bytes - 1 - backslashes] == '\\') ++backslashes;
  // An odd number: the last one begins an escape.
  return bytes - (backslashes & 1);
}

}  // namespace sluice::render
