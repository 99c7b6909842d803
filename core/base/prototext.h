// The pieces of Go's prototext (single line): strings, numbers and nested messages, for error texts.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace sluice {

// A quoted string as prototext prints it: UTF-8 stays, control characters and bytes that are not UTF-8 become \xff,
// U+0080 to U+009F \u0080.
void append_prototext_string(std::string& out, std::string_view text);
// The same without the quotes.
void append_prototext_escaped(std::string& out, std::string_view text);

void append_prototext_number(std::string& out, double value);
void append_prototext_number(std::string& out, uint64_t value);

// `name:{field:1 field:2}`: opens with the constructor, closes with the destructor.
class MessageWriter {
 public:
  MessageWriter(std::string& out, std::string_view name) : out_(out) {
    out_ += name;
    out_ += ":{";
  }
  ~MessageWriter() { out_ += '}'; }
  MessageWriter(const MessageWriter&) = delete;
  MessageWriter& operator=(const MessageWriter&) = delete;

  // Exact types: an int would be ambiguous.
  template <typename Number>
    requires std::same_as<Number, double> || std::same_as<Number, uint64_t>
  void field(std::string_view name, Number value) {
    separate();
    out_ += name;
    out_ += ':';
    append_prototext_number(out_, value);
  }

  [[nodiscard]] MessageWriter message(std::string_view name) {
    separate();
    return {out_, name};
  }

 private:
  void separate() {
    if (!first_) out_ += ' ';
    first_ = false;
  }

  std::string& out_;
  bool first_ = true;
};

}  // namespace sluice
