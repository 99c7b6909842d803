#include "net/web/verdict_cache.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include <cstring>
#include <string>

#include "core/base/check.h"

namespace sluice::net::web {

CredentialKey credential_key(std::string_view user, std::string_view hash, std::string_view password) {
  static const CredentialKey secret = [] {
    CredentialKey bytes{};
    SLUICE_CHECK(RAND_bytes(bytes.data(), bytes.size()) == 1);
    return bytes;
  }();
  std::string text(reinterpret_cast<const char*>(secret.data()), secret.size());
  for (const std::string_view part : {user, hash, password}) {
    const uint64_t bytes = part.size();
    text.append(reinterpret_cast<const char*>(&bytes), sizeof bytes);
    text += part;
  }
  CredentialKey key{};
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), key.data());
  OPENSSL_cleanse(text.data(), text.size());
  return key;
}

size_t VerdictCache::First8::operator()(const CredentialKey& key) const noexcept {
  size_t value = 0;
  std::memcpy(&value, key.data(), sizeof value);
  return value;
}

std::optional<bool> VerdictCache::find(const CredentialKey& key) const {
  if (right_.keys.contains(key)) return true;
  if (wrong_.keys.contains(key)) return false;
  return std::nullopt;
}

void VerdictCache::put(const CredentialKey& key, bool right) {
  Kept& kept = right ? right_ : wrong_;
  if (!kept.keys.insert(key).second) return;
  kept.order.push_back(key);
  if (kept.order.size() <= entries_max_) return;
  kept.keys.erase(kept.order.front());
  kept.order.pop_front();
}

}  // namespace sluice::net::web
