#include <algorithm>

#include "core/render/escape_names.h"
#include "parser/names.h"
#include "tools/commands/export_groups.h"

namespace sluice::tools {
namespace {

// Without padding, in the URL-safe alphabet. An empty value is a single `=`, which the decoder ignores; a path with
// nothing there would be cleaned.
std::string base64(std::string_view bytes) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  if (bytes.empty()) return "=";
  std::string out;
  uint32_t bits = 0;
  int have = 0;
  for (const char c : bytes) {
    bits = bits << 8 | static_cast<uint8_t>(c);
    for (have += 8; have >= 6; have -= 6) out.push_back(kDigits[bits >> (have - 6) & 63]);
  }
  if (have > 0) out.push_back(kDigits[bits << (6 - have) & 63]);
  return out;
}

// `/name/value`, readable where nothing in it could mean anything to a path.
void append_pair(std::string& out, std::string_view name, std::string_view value) {
  const bool plain =
      !value.empty() && std::ranges::all_of(value, [](char c) { return parser::is_name_continuation(c) || c == '-'; });
  out.append("/").append(name);
  if (plain) {
    out.append("/").append(value);
  } else {
    out.append("@base64/").append(base64(value));
  }
}

bool is_legacy(std::string_view name) { return parser::is_valid_label_name(name, parser::NameScheme::kLegacy); }

}  // namespace

bool has_utf8_names(const ExportGroup& group) {
  return !std::ranges::all_of(group.labels, [](const auto& label) { return is_legacy(label.first); });
}

std::string export_path(const ExportGroup& group) {
  std::string out = "/metrics";
  for (const auto& [name, value] : group.labels) {
    if (name == "job") append_pair(out, name, value);
  }
  for (const auto& [name, value] : group.labels) {
    if (name == "job") continue;
    std::string spelled = name;
    if (!is_legacy(name)) {
      spelled.clear();
      render::append_escaped_name(name, render::NameEscaping::kValues, spelled);
    }
    append_pair(out, spelled, value);
  }
  return out;
}

}  // namespace sluice::tools
