#include "net/api/family_text.h"

#include "core/base/go_float.h"

namespace sluice::net::api {
namespace {

void append_labels(std::string& out, std::initializer_list<OwnLabel> labels) {
  if (labels.size() == 0) return;
  char separator = '{';
  for (const OwnLabel& label : labels) {
    out += separator;
    out += label.name;
    out += "=\"";
    for (const char c : label.value) {
      if (c == '\\' || c == '"') out += '\\';
      if (c == '\n') {
        out += "\\n";
      } else {
        out += c;
      }
    }
    out += '"';
    separator = ',';
  }
  out += '}';
}

}  // namespace

void append_sample(std::string& out, std::string_view name, std::initializer_list<OwnLabel> labels, double value) {
  out += name;
  append_labels(out, labels);
  out += ' ';
  char digits[kGoFloatRoom];
  out.append(digits, format_go_float(value, digits));
  out += '\n';
}

void append_count(std::string& out, std::string_view name, std::initializer_list<OwnLabel> labels, uint64_t value) {
  append_sample(out, name, labels, static_cast<double>(value));
}

}  // namespace sluice::net::api
