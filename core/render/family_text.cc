#include "core/render/family_text.h"

#include <cstring>

namespace sluice::render {

namespace {

std::string_view type_text(model::MetricType type) noexcept {
  switch (type) {
    case model::MetricType::kCounter:
      return "counter";
    case model::MetricType::kGauge:
      return "gauge";
    case model::MetricType::kSummary:
      return "summary";
    case model::MetricType::kHistogram:
    case model::MetricType::kGaugeHistogram:
      return "histogram";
    case model::MetricType::kUntyped:
      break;
  }
  return "untyped";
}

void append_escaped(std::string& out, std::string_view text, bool quotes) {
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '\\' || (quotes && c == '"')) out += '\\';
    out += c;
  }
}

void append_name(std::string& out, std::string_view name, NameEscaping escaping) {
  if (is_legacy_name(name) || escaping != NameEscaping::kNone) {
    append_escaped_name(name, escaping, out);
  } else {
    out += '"';
    append_escaped(out, name, true);
    out += '"';
  }
}

}  // namespace

void append_family_header(std::string& out, std::string_view name, bool has_help, std::string_view help,
                          model::MetricType type, NameEscaping escaping) {
  if (has_help) {
    out += "# HELP ";
    append_name(out, name, escaping);
    out += ' ';
    append_escaped(out, help, false);
    out += '\n';
  }
  out += "# TYPE ";
  append_name(out, name, escaping);
  out += ' ';
  out += type_text(type);
  out += '\n';
}

char* write_time_line(char* out, std::string_view name, std::string_view label_text, int64_t time_ns) {
  std::memcpy(out, name.data(), name.size());
  out += name.size();
  *out++ = '{';
  std::memcpy(out, label_text.data(), label_text.size());
  out += label_text.size();
  *out++ = '}';
  *out++ = ' ';
  out += format_go_float(static_cast<double>(time_ns) / 1e9, out);
  *out++ = '\n';
  return out;
}

}  // namespace sluice::render
