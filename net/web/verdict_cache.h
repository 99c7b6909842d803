// What is known about user, hash and password, so that bcrypt runs once for each and not for each request.
//
// The key is a SHA-256 of the three, each with its length before it (without, "ab" + "c" would be "a" + "bc": the
// reference's CVE-2022-46146), behind 32 random bytes of the process: nobody can prepare two that are equal, and memory
// holds no password. Right ones and wrong ones are kept apart, each bounded with the oldest forgotten, so that a flood
// of wrong passwords cannot push out a right one.
//
// Thread: the owner's.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string_view>
#include <unordered_set>

namespace sluice::net::web {

using CredentialKey = std::array<unsigned char, 32>;
[[nodiscard]] CredentialKey credential_key(std::string_view user, std::string_view hash, std::string_view password);

class VerdictCache {
 public:
  // Of each kind.
  explicit VerdictCache(size_t entries_max) : entries_max_(entries_max) {}

  [[nodiscard]] std::optional<bool> find(const CredentialKey& key) const;
  void put(const CredentialKey& key, bool right);
  [[nodiscard]] size_t size() const noexcept { return right_.keys.size() + wrong_.keys.size(); }

 private:
  struct First8 {
    size_t operator()(const CredentialKey& key) const noexcept;
  };
  struct Kept {
    std::unordered_set<CredentialKey, First8> keys;
    std::deque<CredentialKey> order;  // the oldest first
  };

  const size_t entries_max_;
  Kept right_;
  Kept wrong_;
};

}  // namespace sluice::net::web
