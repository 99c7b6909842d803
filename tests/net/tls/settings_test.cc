// Names, lists, PEM texts and ticket keys.
#include "net/tls/settings.h"

#include <gtest/gtest.h>

#include "net/tls/key_pair.h"
#include "net/tls/ticket_keys.h"
#include "tests/net/tls/test_tls.h"

namespace sluice::net::tls {
namespace {

TEST(TlsSettings, NamesAreGos) {
  EXPECT_TRUE(is_cipher_suite("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"));
  EXPECT_TRUE(is_cipher_suite("TLS_AES_128_GCM_SHA256"));
  EXPECT_FALSE(is_cipher_suite("TLS_RSA_WITH_AES_128_GCM_SHA256"));
  EXPECT_FALSE(is_cipher_suite("ECDHE-RSA-AES128-GCM-SHA256"));
  EXPECT_TRUE(is_curve("CurveP256"));
  EXPECT_FALSE(is_curve("P-256"));
  EXPECT_EQ(version_of("TLS12"), 0x0303);
  EXPECT_FALSE(version_of("tls12"));
  EXPECT_EQ(client_auth_of("RequireClientCert"), ClientAuth::kRequireAny);
  EXPECT_EQ(client_auth_of(""), ClientAuth::kNone);
  EXPECT_FALSE(client_auth_of("requireclientcert"));
}

TEST(TlsSettings, ListsHaveGosOrderNotTheFiles) {
  EXPECT_EQ(openssl_ciphers({"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"}),
            "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384");
  EXPECT_EQ(openssl_groups({"CurveP521", "X25519"}), "X25519:P-521");
  EXPECT_EQ(openssl_groups({}), "X25519:P-256:P-384:P-521");
  // A suite of TLS 1.3 alone leaves nothing for 1.2 to agree on.
  EXPECT_EQ(openssl_ciphers({"TLS_AES_128_GCM_SHA256"}), "PSK-AES128-GCM-SHA256");
}

TEST(KeyPairs, RefusedInGosWords) {
  const TestPair a = make_pair("a");
  const TestPair b = make_pair("b");
  EXPECT_TRUE(check_key_pair(a.certificate, a.key));
  EXPECT_TRUE(check_key_pair("text before\n" + a.certificate + b.certificate, a.key));
  EXPECT_EQ(check_key_pair("", a.key).error(), "tls: failed to find any PEM data in certificate input");
  EXPECT_EQ(check_key_pair(a.certificate, "").error(), "tls: failed to find any PEM data in key input");
  EXPECT_EQ(check_key_pair(a.certificate, b.key).error(), "tls: private key does not match public key");
  EXPECT_EQ(check_key_pair(a.key, a.key).error(),
            "tls: failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may "
            "have been switched");
  EXPECT_EQ(check_key_pair(a.certificate, a.certificate).error(),
            "tls: found a certificate rather than a key in the PEM for the private key");
  EXPECT_EQ(check_key_pair(a.key + b.key, a.key).error(),
            "tls: failed to find \"CERTIFICATE\" PEM block in certificate input after skipping PEM blocks of the "
            "following types: [PRIVATE KEY PRIVATE KEY]");
  std::string broken = a.key;
  broken.replace(broken.find('\n') + 1, 8, "AAAAAAAA");
  EXPECT_EQ(check_key_pair(a.certificate, broken).error(), "tls: failed to parse private key");
}

TEST(KeyPairs, ACertificateIsFoundBehindOtherBlocks) {
  const TestPair a = make_pair("a");
  EXPECT_EQ(read_certificates(a.key + a.certificate + "junk\n" + a.certificate).size(), 2u);
  EXPECT_EQ(read_certificates("no PEM").size(), 0u);
}

constexpr int64_t kPeriodNs = TicketKeys::kTicketKeySeconds * 1'000'000'000;

std::string_view name_of(const TicketKey& key) {
  return {reinterpret_cast<const char*>(key.name.data()), key.name.size()};
}

TEST(TicketKeys, ThreePeriodsAreKept) {
  TicketKeys keys;
  const TicketKey first = *keys.sealing(0);
  EXPECT_EQ(keys.sealing(kPeriodNs - 1)->name, first.name);
  EXPECT_FALSE(keys.opening(name_of(first), kPeriodNs - 1)->old);
  const TicketKey second = *keys.sealing(kPeriodNs);
  EXPECT_NE(second.name, first.name);
  EXPECT_NE(second.cipher, first.cipher);
  EXPECT_NE(second.mac, first.mac);
  const auto found = keys.opening(name_of(first), kPeriodNs);
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->old);
  EXPECT_EQ(found->key.cipher, first.cipher);
  EXPECT_TRUE(keys.opening(name_of(first), 3 * kPeriodNs - 1));
  EXPECT_FALSE(keys.opening(name_of(first), 3 * kPeriodNs));
}

TEST(TicketKeys, AfterALongRestNoneIsOpened) {
  TicketKeys keys;
  const TicketKey first = *keys.sealing(0);
  EXPECT_FALSE(keys.opening(name_of(first), 1000 * kPeriodNs));
  EXPECT_FALSE(keys.opening("0123456789abcdef", 1000 * kPeriodNs));
}

}  // namespace
}  // namespace sluice::net::tls
