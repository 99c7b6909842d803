// The page behind `/` and `/status`, and the files that it needs. For now one plain page without files: what this is,
// and where the figures are.
//
// Pure functions, any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sluice::net::ui {

// HTML. Links are relative, so they work below any prefix and behind any proxy; `telemetry_path` begins with a slash.
[[nodiscard]] std::string status_page(std::string_view version, std::string_view telemetry_path);

struct File {
  std::string_view content_type;
  std::string_view bytes;
};

// The file behind /static/`name`; "" is the list of them.
[[nodiscard]] std::optional<File> find_file(std::string_view name) noexcept;

}  // namespace sluice::net::ui
