#include "core/base/hash.h"

#include <sys/random.h>
// The whole library is in its header: a call of it by name costs as much as half the hash of a short key.
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <array>

#include "core/base/check.h"

namespace sluice {
namespace {

using Secret = std::array<unsigned char, 192>;
static_assert(sizeof(Secret) >= XXH3_SECRET_SIZE_MIN);

Secret random_secret() noexcept {
  Secret secret{};
  size_t filled = 0;
  while (filled < secret.size()) {
    const ssize_t got = getrandom(secret.data() + filled, secret.size() - filled, 0);
    SLUICE_CHECK(got > 0);
    filled += static_cast<size_t>(got);
  }
  return secret;
}

// Filled before main; constant from then on but for set_hash_secret_for_test.
Secret process_secret = random_secret();

}  // namespace

uint64_t keyed_hash(std::string_view bytes) noexcept {
  return XXH3_64bits_withSecret(bytes.data(), bytes.size(), process_secret.data(), process_secret.size());
}

uint64_t stable_hash(std::string_view bytes) noexcept { return XXH3_64bits(bytes.data(), bytes.size()); }

uint64_t checksum(std::string_view bytes, uint64_t seed) noexcept {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

void set_hash_secret_for_test(uint64_t seed) noexcept {
  for (unsigned char& byte : process_secret) {
    seed += 0x9E3779B97F4A7C15ull;
    uint64_t mixed = (seed ^ (seed >> 30)) * 0xBF58476D1CE4E5B9ull;
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBull;
    byte = static_cast<unsigned char>(mixed >> 56);
  }
}

}  // namespace sluice
