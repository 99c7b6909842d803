// openapi.json of this folder, embedded: what the endpoints of the API take and answer.
#pragma once

#include <string_view>

namespace sluice::net::api {

// "openapi.json".
[[nodiscard]] std::string_view embedded_file(std::string_view name) noexcept;

}  // namespace sluice::net::api
