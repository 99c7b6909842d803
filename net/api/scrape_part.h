// Which part of the groups a scrape asks for: `?shard=I&shards=N`, the I-th (from 0) of N parts.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "core/store/snapshot_part.h"

namespace sluice::net::api {

// Of the raw target of a request; the whole without the two parameters. All other parameters are ignored, as all are by
// the reference. Keys and values are read as Go's url.ParseQuery does. The error is the sentence of a 400.
[[nodiscard]] std::expected<store::Part, std::string> parse_scrape_part(std::string_view target);

}  // namespace sluice::net::api
