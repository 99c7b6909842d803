// Whom a guard knows beside the users of the web config: implemented by net/auth for `--auth.file`.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace sluice::net::web {

// Thread: the guard's. Views are valid until the next call of refresh().
class Callers {
 public:
  virtual ~Callers() = default;
  // Before the other questions about a request: they are answered from one state of the file.
  virtual void refresh() = 0;
  // The bcrypt hash of that user's password; empty: there is no such user.
  [[nodiscard]] virtual std::string_view hash_of(std::string_view user) const = 0;
  // Hashes that unknown users' passwords are compared with (WebConfig::stand_ins).
  [[nodiscard]] virtual std::span<const std::string> stand_ins() const = 0;
  // The name of that bearer token, compared in constant time; empty: it is none.
  [[nodiscard]] virtual std::string_view name_of_token(std::string_view token) const = 0;
  // The header lines of a 401, each with its line end.
  [[nodiscard]] virtual std::string_view challenge() const = 0;
};

}  // namespace sluice::net::web
