// The user and password of a request, as Go's Request.BasicAuth reads them.
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

}  // namespace sluice::net::web
