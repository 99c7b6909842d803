#include "net/ui/page.h"

namespace sluice::net::ui {

namespace {

constexpr std::string_view kHead = R"(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>sluice</title>
</head>
<body>
<h1>sluice )";

// No file yet, so the list is empty.
constexpr File kList = {"text/html; charset=utf-8",
                        "<!doctype html>\n<meta name=\"viewport\" content=\"width=device-width\">\n<pre>\n</pre>\n"};

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

void append_link(std::string& out, std::string_view path, std::string_view what) {
  out += "<li><a href=\".";
  append_escaped(out, path);
  out += "\">";
  append_escaped(out, path);
  out += "</a>: ";
  out += what;
  out += "</li>\n";
}

}  // namespace

std::string status_page(std::string_view version, std::string_view telemetry_path) {
  std::string out(kHead);
  append_escaped(out, version);
  out += "</h1>\n<p>A drop-in Prometheus Pushgateway.</p>\n<ul>\n";
  append_link(out, telemetry_path, "what Prometheus scrapes");
  append_link(out, "/api/v1/metrics", "all groups as JSON");
  append_link(out, "/api/v1/status", "version, flags and start time as JSON");
  out += "</ul>\n</body>\n</html>\n";
  return out;
}

std::optional<File> find_file(std::string_view name) noexcept {
  if (name.empty()) return kList;
  return std::nullopt;
}

}  // namespace sluice::net::ui
