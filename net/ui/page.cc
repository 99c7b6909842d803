#include "net/ui/page.h"

#include <array>

namespace sluice::net::ui {

namespace {

constexpr std::array<std::string_view, 11> kFiles = {"api.js",    "charts.js",   "detail.js", "dom.js",
                                                     "format.js", "groups.js",   "icon.svg",  "list.js",
                                                     "main.js",   "overview.js", "page.css"};

void append_escaped(std::string& out, std::string_view text) {
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
}

std::string_view content_type(std::string_view file) {
  if (file.ends_with(".js")) return "text/javascript; charset=utf-8";
  return file.ends_with(".css") ? "text/css; charset=utf-8" : "image/svg+xml";
}

// `{{name}}` in the document.
void append_fact(std::string& out, std::string_view name, const PageFacts& facts) {
  if (name == "version") append_escaped(out, facts.version);
  if (name == "telemetry") append_escaped(out, facts.telemetry_path);
  if (name == "groups") out += std::to_string(facts.groups);
  if (name == "series") out += std::to_string(facts.series);
}

}  // namespace

std::string status_page(const PageFacts& facts) {
  std::string_view rest = embedded_file("page.html");
  std::string out;
  out.reserve(rest.size() + facts.version.size() + facts.telemetry_path.size());
  for (size_t open = rest.find("{{"); open != std::string_view::npos; open = rest.find("{{")) {
    const size_t close = rest.find("}}", open);
    out += rest.substr(0, open);
    append_fact(out, rest.substr(open + 2, close - open - 2), facts);
    rest.remove_prefix(close + 2);
  }
  out += rest;
  return out;
}

std::optional<File> find_file(std::string_view name) {
  if (name.empty()) {
    std::string list = "<!doctype html>\n<meta name=\"viewport\" content=\"width=device-width\">\n<pre>\n";
    for (const std::string_view file : kFiles) {
      ((((list += "<a href=\"") += file) += "\">") += file) += "</a>\n";
    }
    return File{"text/html; charset=utf-8", list + "</pre>\n"};
  }
  for (const std::string_view file : kFiles) {
    if (file != name) continue;
    return File{content_type(file), std::string(embedded_file(file))};
  }
  return std::nullopt;
}

}  // namespace sluice::net::ui
