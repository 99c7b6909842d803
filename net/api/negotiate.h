// What a scrape is answered with: format by Accept (expfmt.Negotiate), compression by Accept-Encoding (promhttp).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/render/escape_names.h"
#include "net/http/exchange.h"

namespace sluice::net::api {

struct ScrapeFormat {
  enum class Kind : uint8_t {
    kText,          // always 0.0.4, whatever version is asked for
    kDelimited,     // protobuf messages, each behind its length
    kProtobufText,  // prototext of many lines
    kCompactText,   // prototext of one line each
  };
  Kind kind = Kind::kText;
  render::NameEscaping escaping = render::NameEscaping::kUnderscores;

  friend bool operator==(const ScrapeFormat&, const ScrapeFormat&) = default;
};

// The format of a scrape with this Accept header ("" when absent). The same as the reference's for up to twelve media
// ranges; with more, those of equal q keep their order.
[[nodiscard]] ScrapeFormat negotiate_format(std::string_view accept);

// The Content-Type of an answer in this format.
[[nodiscard]] std::string content_type(ScrapeFormat format);

// True when the scrape is to be gzipped. Looks at every Accept-Encoding field, as the reference does; zstd is never
// offered.
[[nodiscard]] bool negotiate_gzip(const http::Request& request);

}  // namespace sluice::net::api
