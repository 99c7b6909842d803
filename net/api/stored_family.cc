#include "net/api/stored_family.h"

#include "core/render/family_text.h"

namespace sluice::net::api {
namespace {

// A protobuf varint, as it stands before a delimited message.
void append_varint(std::string& out, size_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>(value | 0x80));
  out.push_back(static_cast<char>(value));
}

void append_string_field(std::string& out, char number, std::string_view text) {
  out.push_back(static_cast<char>(number << 3 | 2));
  append_varint(out, text.size());
  out.append(text);
}

}  // namespace

void append_stored_text(std::string& body, const wal::StoredFamily& family) {
  render::append_family_header(body, family.name, family.has_help, family.help, family.type,
                               render::NameEscaping::kNone);
  body.append(family.text);
}

void append_stored_record(std::string& body, const wal::StoredFamily& family) {
  // Name, help and type before the metrics, which the record has.
  std::string head;
  append_string_field(head, 1, family.name);
  if (family.has_help) append_string_field(head, 2, family.help);
  head.push_back(3 << 3);
  head.push_back(static_cast<char>(family.type));
  append_varint(body, head.size() + family.record.size());
  body.append(head).append(family.record);
}

}  // namespace sluice::net::api
