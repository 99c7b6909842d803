// The page behind `/` and `/status`, and the files that it needs: all of them embedded, none from elsewhere.
//
// Pure functions, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::net::ui {

// What the page says without JavaScript.
struct PageFacts {
  std::string_view version;
  std::string_view telemetry_path;  // begins with a slash
  uint64_t groups = 0;
  uint64_t series = 0;
};

// HTML. Links are relative, so they work below any prefix and behind any proxy.
[[nodiscard]] std::string status_page(const PageFacts& facts);

// Header lines of the page: nothing is loaded, framed or sent but from and to where it came from, no script and no
// style stands in the document itself.
inline constexpr std::string_view kPageHeaders =
    "Content-Type: text/html; charset=utf-8\r\n"
    "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src "
    "'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n"
    "Cache-Control: no-cache\r\n"
    "Referrer-Policy: no-referrer\r\n"
    "X-Content-Type-Options: nosniff\r\n";

struct File {
  std::string_view content_type;
  std::string bytes;
};

// The file behind /static/`name`; "" is the list of them.
[[nodiscard]] std::optional<File> find_file(std::string_view name);

// The bytes of a file of this folder; without data when there is none of that name.
[[nodiscard]] std::string_view embedded_file(std::string_view name) noexcept;

}  // namespace sluice::net::ui
