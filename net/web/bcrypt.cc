#include "net/web/bcrypt.h"

#include <crypt.h>
#include <openssl/crypto.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <memory>

namespace sluice::net::web {
namespace {

constexpr size_t kHashBytesMin = 59;
constexpr size_t kSaltBytes = 22;
constexpr size_t kDigestBytes = 31;
constexpr size_t kPasswordBytesMax = 72;

// Where the two digits of the cost stand.
size_t cost_at(std::string_view hash) { return hash[2] == '$' ? 3 : 4; }

}  // namespace

Result<int, std::string> bcrypt_cost(std::string_view hash) {
  if (hash.size() < kHashBytesMin) {
    return std::unexpected("crypto/bcrypt: hashedSecret too short to be a bcrypted password");
  }
  if (hash[0] != '$') {
    return std::unexpected("crypto/bcrypt: bcrypt hashes must start with '$', but hashedSecret started with '" +
                           std::string(1, hash[0]) + "'");
  }
  if (hash[1] > '2') {
    return std::unexpected("crypto/bcrypt: bcrypt algorithm version '" + std::string(1, hash[1]) +
                           "' requested is newer than current version '2'");
  }
  const std::string_view digits = hash.substr(cost_at(hash), 2);
  int cost = 0;
  const char* const begin = digits.data() + (digits.front() == '+' ? 1 : 0);
  const auto [end, status] = std::from_chars(begin, digits.data() + digits.size(), cost);
  if (status != std::errc() || end != digits.data() + digits.size()) {
    return std::unexpected("strconv.Atoi: parsing \"" + std::string(digits) + "\": invalid syntax");
  }
  if (cost < 4 || cost > 31) {
    return std::unexpected("crypto/bcrypt: cost " + std::to_string(cost) + " is outside allowed inclusive range 4..31");
  }
  return cost;
}

bool bcrypt_matches(std::string_view password, std::string_view hash) {
  const auto cost = bcrypt_cost(hash);
  if (!cost) return false;
  const size_t salt_at = cost_at(hash) + 3;
  const std::string_view digest = hash.substr(std::min(salt_at + kSaltBytes, hash.size())).substr(0, kDigestBytes);
  std::string setting = *cost < 10 ? "$2b$0" : "$2b$";
  setting += std::to_string(*cost) + "$";
  setting += hash.substr(salt_at, kSaltBytes);
  const bool has_nul = password.find('\0') != std::string_view::npos;
  std::string phrase(password.substr(0, kPasswordBytesMax));
  std::ranges::replace(phrase, '\0', 'x');
  const auto room = std::make_unique<crypt_data>();
  const char* const made = ::crypt_rn(phrase.c_str(), setting.c_str(), room.get(), sizeof(crypt_data));
  OPENSSL_cleanse(phrase.data(), phrase.size());
  bool equal = false;
  if (made != nullptr && std::strlen(made) == 7 + kSaltBytes + kDigestBytes && digest.size() == kDigestBytes) {
    equal = CRYPTO_memcmp(made + 7 + kSaltBytes, digest.data(), kDigestBytes) == 0;
  }
  OPENSSL_cleanse(room.get(), sizeof(crypt_data));
  return equal && !has_nul;
}

}  // namespace sluice::net::web
