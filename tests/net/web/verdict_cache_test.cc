// Keys that nobody can make equal, and a cache that a flood of one kind cannot empty of the other.
#include "net/web/verdict_cache.h"

#include <gtest/gtest.h>

#include <openssl/sha.h>

#include <algorithm>
#include <set>
#include <string>

namespace sluice::net::web {
namespace {

CredentialKey key_of(int number) { return credential_key("user", "hash", std::to_string(number)); }

TEST(CredentialKeys, PartsAreToldApart) {
  // The reference's CVE-2022-46146: without separators these were one.
  const std::set<CredentialKey> keys = {
      credential_key("ab", "c", "d"),  credential_key("a", "bc", "d"),  credential_key("a", "b", "cd"),
      credential_key("abcd", "", ""),  credential_key("", "abcd", ""),  credential_key("", "", "abcd"),
      credential_key("a:b", "c", "d"), credential_key("a", "b:c", "d"), credential_key("a", "b", "c:d"),
      credential_key("A", "bc", "d"),  credential_key("a", "bc", "d "),
  };
  EXPECT_EQ(keys.size(), 11u);
  EXPECT_EQ(credential_key("a", "b", "c"), credential_key("a", "b", "c"));
}

TEST(CredentialKeys, AreUnderASecret) {
  // Somebody who knows how a key is made, but not the process's 32 bytes, gets another one.
  std::string text(32, '\0');
  for (const char* part : {"a", "b", "c"}) {
    const uint64_t bytes = 1;
    text.append(reinterpret_cast<const char*>(&bytes), sizeof bytes);
    text += part;
  }
  CredentialKey guessed{};
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), guessed.data());
  EXPECT_NE(credential_key("a", "b", "c"), guessed);
  SHA256(reinterpret_cast<const unsigned char*>(text.data()) + 32, text.size() - 32, guessed.data());
  EXPECT_NE(credential_key("a", "b", "c"), guessed);
}

TEST(VerdictCache, KeepsBothKinds) {
  VerdictCache cache(4);
  EXPECT_EQ(cache.find(key_of(1)), std::nullopt);
  cache.put(key_of(1), true);
  cache.put(key_of(2), false);
  EXPECT_EQ(cache.find(key_of(1)), true);
  EXPECT_EQ(cache.find(key_of(2)), false);
  EXPECT_EQ(cache.find(key_of(3)), std::nullopt);
}

TEST(VerdictCache, WrongOnesDoNotPushOutRightOnes) {
  VerdictCache cache(4);
  cache.put(key_of(0), true);
  for (int i = 1; i <= 100; ++i) cache.put(key_of(i), false);
  EXPECT_EQ(cache.find(key_of(0)), true);
  EXPECT_EQ(cache.size(), 5u);
  EXPECT_EQ(cache.find(key_of(96)), std::nullopt);  // the oldest go first
  EXPECT_EQ(cache.find(key_of(97)), false);
}

TEST(VerdictCache, TheSameTwiceIsOne) {
  VerdictCache cache(2);
  for (int i = 0; i < 10; ++i) cache.put(key_of(1), true);
  cache.put(key_of(2), true);
  EXPECT_EQ(cache.size(), 2u);
  EXPECT_EQ(cache.find(key_of(1)), true);
}

}  // namespace
}  // namespace sluice::net::web
