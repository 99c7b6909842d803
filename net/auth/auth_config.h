// The file of `--auth.file`: who may do what, and on which groups.
//
//   basic_auth_users:            # more users beside those of the web config: name to bcrypt hash
//     team-a: $2y$10$...
//   bearer_tokens:               # name to the SHA-256 of the token, in hexadecimal digits
//     ci: 9f86d081884c7d65...
//   grants:
//     - users: [team-a]          # of either file
//       tokens: [ci]
//       certificates: [agent.team-a.example]
//       rights: [push, delete]
//       match: ['{job=~"team-a-.*"}']
//
// Strict, as the web config: unknown and repeated fields are errors. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "net/api/access_control.h"
#include "net/api/label_matchers.h"

namespace sluice::net::auth {

using TokenDigest = std::array<unsigned char, 32>;
[[nodiscard]] TokenDigest token_digest(std::string_view token);

struct Token {
  std::string name;
  TokenDigest digest{};
};

struct Grant {
  std::vector<std::string> users;
  std::vector<std::string> tokens;
  std::vector<std::string> certificates;  // common names and subject alternative names
  std::array<bool, api::kRights> rights{};
  std::vector<api::LabelMatchers> match;  // one of them holds for the grouping key; empty: every group
};

// Each request with a token looks at all of them: 50 ns for one.
inline constexpr size_t kTokensMax = 1000;
inline constexpr size_t kGrantsMax = 10'000;

struct AuthConfig {
  std::map<std::string, std::string> users;
  std::vector<std::string> stand_ins;  // as WebConfig's
  std::vector<Token> tokens;
  std::vector<Grant> grants;  // at least one
};

// The error is what the process ends with, or what is logged at a reload.
[[nodiscard]] Result<AuthConfig, std::string> parse_auth_config(std::string_view text);

}  // namespace sluice::net::auth
