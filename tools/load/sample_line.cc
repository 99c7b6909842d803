#include "tools/load/sample_line.h"

#include <algorithm>
#include <charconv>
#include <limits>

namespace sluice::tools::load {

namespace {

bool read_value(std::string_view text, double& value) {
  // A timestamp may follow; no gateway prints one, but a foreign line is still a line.
  text = text.substr(0, text.find(' '));
  if (text == "+Inf" || text == "-Inf") {
    value = text[0] == '-' ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::infinity();
    return true;
  }
  if (text == "NaN") {
    value = std::numeric_limits<double>::quiet_NaN();
    return true;
  }
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
  return status == std::errc() && end == text.data() + text.size();
}

// Behind the quote that opens a value: the place of the one that closes it, or npos.
size_t closing_quote(std::string_view line, size_t at) {
  for (; at < line.size(); ++at) {
    if (line[at] == '\\') {
      ++at;
    } else if (line[at] == '"') {
      return at;
    }
  }
  return std::string_view::npos;
}

// From behind `{` to behind `}`; npos when it is malformed.
size_t read_labels(std::string_view line, size_t at, std::vector<SampleLine::Label>& labels) {
  while (at < line.size() && line[at] != '}') {
    const size_t equals = line.find('=', at);
    if (equals == std::string_view::npos || equals + 1 >= line.size() || line[equals + 1] != '"') break;
    const size_t end = closing_quote(line, equals + 2);
    if (end == std::string_view::npos) break;
    labels.push_back({line.substr(at, equals - at), line.substr(equals + 2, end - equals - 2)});
    at = end + 1;
    if (at < line.size() && line[at] == ',') ++at;
  }
  return at < line.size() && line[at] == '}' ? at + 1 : std::string_view::npos;
}

}  // namespace

bool split_sample(std::string_view line, SampleLine& out) {
  out.labels.clear();
  if (line.empty() || line[0] == '#') return false;
  size_t at = line.find_first_of("{ ");
  if (at == std::string_view::npos || at == 0) return false;
  out.name = line.substr(0, at);
  if (line[at] == '{') {
    at = read_labels(line, at + 1, out.labels);
    if (at == std::string_view::npos || at >= line.size() || line[at] != ' ') return false;
  }
  return read_value(line.substr(at + 1), out.value);
}

std::string_view label_of(const SampleLine& sample, std::string_view name) noexcept {
  for (const SampleLine::Label& label : sample.labels) {
    if (label.name == name) return label.value;
  }
  return {};
}

void identity_of(const SampleLine& sample, std::string& out) {
  out.assign(sample.name);
  out += '{';
  for (const SampleLine::Label& label : sample.labels) {
    if (label.name == "job" || label.name == "instance") continue;
    if (out.back() != '{') out += ',';
    out.append(label.name).append("=\"").append(label.value) += '"';
  }
  out += '}';
}

void sort_labels(SampleLine& sample) {
  std::ranges::sort(sample.labels, [](const SampleLine::Label& a, const SampleLine::Label& b) {
    const bool a_last = a.name == "le" || a.name == "quantile";
    const bool b_last = b.name == "le" || b.name == "quantile";
    return a_last != b_last ? b_last : a.name < b.name;
  });
}

}  // namespace sluice::tools::load
