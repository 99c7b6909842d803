#include "core/model/label_text.h"

#include <algorithm>
#include <vector>

namespace sluice::model {
namespace {

void append_escaped(std::string& out, std::string_view value) {
  for (const char c : value) {
    switch (c) {
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '"':
        out += "\\\"";
        break;
      default:
        out += c;
    }
  }
}

// expfmt decides by the rule for metric names, colon included, for label names too.
bool is_legacy_name(std::string_view name) noexcept {
  for (size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':';
    if (!letter && (i == 0 || c < '0' || c > '9')) return false;
  }
  return !name.empty();
}

void append_pair(std::string& out, const LabelPair& pair) {
  if (!out.empty()) out += ',';
  if (is_legacy_name(pair.name)) {
    out += pair.name;
  } else {
    out += '"';
    append_escaped(out, pair.name);
    out += '"';
  }
  out += "=\"";
  append_escaped(out, pair.value);
  out += '"';
}

}  // namespace

void append_label_text(std::string& out, const GroupKey& key) { append_series_label_text(out, key, {}); }

void append_series_label_text(std::string& out, const GroupKey& key, std::span<const LabelPair> body) {
  std::vector<LabelPair> labels;
  labels.reserve(key.label_count() + body.size() + 1);
  for (size_t i = 0; i < key.label_count(); ++i) labels.push_back(key.label(i));
  bool has_instance = key.value_of("instance").data() != nullptr;
  for (const LabelPair& label : body) {
    if (key.value_of(label.name).data() != nullptr) continue;
    labels.push_back(label);
    has_instance = has_instance || label.name == "instance";
  }
  if (!has_instance) labels.push_back({"instance", ""});
  std::ranges::stable_sort(labels, std::less<>(), &LabelPair::name);
  std::string text;
  for (const LabelPair& label : labels) append_pair(text, label);
  out += text;
}

}  // namespace sluice::model
