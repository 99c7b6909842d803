// Passwords against bcrypt hashes, with the verdicts of Go's golang.org/x/crypto/bcrypt.
#pragma once

#include <string>
#include <string_view>

#include "core/base/result.h"

namespace sluice::net::web {

// The cost of `hash`, 4 to 31; else why it is no hash, in Go's words.
[[nodiscard]] Result<int, std::string> bcrypt_cost(std::string_view hash);

// Whether `password` is the one. Takes 2^cost * 60 us of processor time: never on a worker's thread. Any minor version
// ($2a$, $2b$, $2x$, $2y$) means the same, as in Go. Bytes behind the 72nd do not count; with a NUL byte it is never
// right (crypt(3) would stop there; Go repeats the password in a way that would let some of them in).
[[nodiscard]] bool bcrypt_matches(std::string_view password, std::string_view hash);

}  // namespace sluice::net::web
