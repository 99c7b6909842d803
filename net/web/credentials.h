// The user and password of a request, as Go's Request.BasicAuth reads them, and bearer tokens (RFC 6750).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sluice::net::web {

struct Credentials {
  std::string user;
  std::string password;  // may hold any bytes
};

// `authorization`: the value of the first such field. nullopt: not basic authentication, or broken.
[[nodiscard]] std::optional<Credentials> parse_basic_auth(std::string_view authorization);

// The token behind `Bearer`, which views `authorization`. nullopt: another scheme.
[[nodiscard]] std::optional<std::string_view> parse_bearer(std::string_view authorization);

}  // namespace sluice::net::web
