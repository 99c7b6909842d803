// What a scrape is answered with: format by Accept (expfmt.Negotiate), compression by Accept-Encoding (promhttp).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "net/http/exchange.h"

namespace sluice::net::api {

// How names that are not legacy-valid are written.
enum class Escaping : uint8_t { kUnderscores, kDots, kValues, kAllowUtf8 };

// The format of a scrape with this Accept header ("" when absent). The text format is always 0.0.4.
[[nodiscard]] Escaping negotiate_escaping(std::string_view accept);

// Content-Type of text 0.0.4 under `escaping`.
[[nodiscard]] std::string_view text_content_type(Escaping escaping) noexcept;

// True when the scrape is to be gzipped. Looks at every Accept-Encoding field, as the reference does; zstd is never
// offered.
[[nodiscard]] bool negotiate_gzip(const http::Request& request);

}  // namespace sluice::net::api
