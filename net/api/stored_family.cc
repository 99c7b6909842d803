#include "net/api/stored_family.h"

#include <algorithm>

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

// Where the quoted text ends that begins at `at`: behind its quote.
size_t end_of_quoted(std::string_view text, size_t at) noexcept {
  for (++at; at < text.size() && text[at] != '"'; ++at) at += text[at] == '\\' ? 1 : 0;
  return std::min(at + 1, text.size());
}

// A group may have one of these, and a series of it another as well: a bucket's bound, a quantile.
bool is_of_series(std::string_view name) noexcept { return name == "le" || name == "quantile"; }

bool is_of_group(std::string_view name, const model::GroupKey& key) noexcept {
  for (size_t i = 0; i < key.label_count(); ++i) {
    if (key.label(i).name == name) return !is_of_series(name);
  }
  return false;
}

bool has_labels_of_series(const model::GroupKey& key) noexcept {
  for (size_t i = 0; i < key.label_count(); ++i) {
    if (is_of_series(key.label(i).name)) return true;
  }
  return false;
}

// What stands between the braces that open before `at`, without the labels of `key`; returns where they close, or where
// no label of the group can follow. A name in quotes stays, whosever it is. `run` is all labels of the key as they
// stand next to each other, where no label of a series sorts in between; empty for none.
size_t append_labels(std::string& body, std::string_view text, size_t at, const model::GroupKey& key,
                     std::string_view run) {
  const size_t begin = body.size();
  while (at < text.size() && text[at] != '}') {
    const size_t from = at;
    if (!run.empty() && text.substr(at).starts_with(run)) {
      const char next = at + run.size() < text.size() ? text[at + run.size()] : '\0';
      if (next == '}' || next == ',') {
        at += run.size();
        if (next == ',' && body.size() == begin) ++at;
        return at;
      }
    }
    if (text[at] == '"') at = end_of_quoted(text, at);
    while (at < text.size() && text[at] != '=' && text[at] != ',' && text[at] != '}') ++at;
    const std::string_view name = text.substr(from, at - from);
    if (at + 1 < text.size() && text[at] == '=') at = end_of_quoted(text, at + 1);
    if (!is_of_group(name, key)) {
      if (body.size() != begin) body.push_back(',');
      body.append(text.substr(from, at - from));
    }
    if (at < text.size() && text[at] == ',') ++at;
  }
  return at;
}

}  // namespace

void append_stored_text(std::string& body, const wal::StoredFamily& family, const model::GroupKey& key,
                        std::string_view label_text) {
  render::append_family_header(body, family.name, family.has_help, family.help, family.type,
                               render::NameEscaping::kNone);
  const std::string_view run = has_labels_of_series(key) ? std::string_view() : label_text;
  // Outside of braces nothing is quoted, and nowhere does a line end but at its end.
  const std::string_view text = family.text;
  for (size_t at = 0; at < text.size();) {
    const size_t open = std::min(text.find('{', at), text.size());
    body.append(text.substr(at, open - at));
    if (open == text.size()) return;
    const size_t begin = body.size();
    body.push_back('{');
    at = append_labels(body, text, open + 1, key, run);
    if (body.size() == begin + 1 && at < text.size() && text[at] == '}') {
      body.pop_back();
      ++at;
    }
    const size_t end = std::min(text.find('\n', at), text.size());
    body.append(text.substr(at, end - at));
    at = end;
  }
}

void append_whole_text(std::string& body, const wal::StoredFamily& family) {
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
