#include "net/tls/settings.h"

#include <algorithm>
#include <span>

namespace sluice::net::tls {
namespace {

struct Name {
  std::string_view go;
  std::string_view openssl;  // empty: of TLS 1.3, not to be chosen
};

// Go's preference where the processor has AES instructions; SSL_OP_PRIORITIZE_CHACHA serves clients that have not.
constexpr Name kCipherSuites[] = {
    {"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256"},
    {"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "ECDHE-RSA-AES128-GCM-SHA256"},
    {"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "ECDHE-ECDSA-AES256-GCM-SHA384"},
    {"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "ECDHE-RSA-AES256-GCM-SHA384"},
    {"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"},
    {"TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-RSA-CHACHA20-POLY1305"},
    {"TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", "ECDHE-ECDSA-AES128-SHA"},
    {"TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "ECDHE-RSA-AES128-SHA"},
    {"TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", "ECDHE-ECDSA-AES256-SHA"},
    {"TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", "ECDHE-RSA-AES256-SHA"},
    {"TLS_AES_128_GCM_SHA256", ""},
    {"TLS_AES_256_GCM_SHA384", ""},
    {"TLS_CHACHA20_POLY1305_SHA256", ""},
};

constexpr Name kCurves[] = {
    {"X25519", "X25519"},
    {"CurveP256", "P-256"},
    {"CurveP384", "P-384"},
    {"CurveP521", "P-521"},
};

// When nothing of TLS 1.2 was chosen: a suite that needs a key that nobody has, so that no client can agree on it.
constexpr std::string_view kNoSuite = "PSK-AES128-GCM-SHA256";

bool has(std::span<const Name> table, std::string_view name) noexcept {
  return std::ranges::any_of(table, [&](const Name& entry) { return entry.go == name; });
}

std::string joined(std::span<const Name> table, const std::vector<std::string>& names) {
  std::string out;
  for (const Name& entry : table) {
    if (entry.openssl.empty() || (!names.empty() && std::ranges::find(names, entry.go) == names.end())) continue;
    if (!out.empty()) out += ':';
    out += entry.openssl;
  }
  return out;
}

}  // namespace

std::optional<ClientAuth> client_auth_of(std::string_view name) noexcept {
  if (name.empty() || name == "NoClientCert") return ClientAuth::kNone;
  if (name == "RequestClientCert") return ClientAuth::kRequest;
  if (name == "RequireAnyClientCert" || name == "RequireClientCert") return ClientAuth::kRequireAny;
  if (name == "VerifyClientCertIfGiven") return ClientAuth::kVerifyIfGiven;
  if (name == "RequireAndVerifyClientCert") return ClientAuth::kRequireAndVerify;
  return std::nullopt;
}

bool is_cipher_suite(std::string_view name) noexcept { return has(kCipherSuites, name); }

bool is_curve(std::string_view name) noexcept { return has(kCurves, name); }

std::optional<uint16_t> version_of(std::string_view name) noexcept {
  if (name == "TLS10") return uint16_t{0x0301};
  if (name == "TLS11") return uint16_t{0x0302};
  if (name == "TLS12") return uint16_t{0x0303};
  if (name == "TLS13") return uint16_t{0x0304};
  return std::nullopt;
}

std::string openssl_ciphers(const std::vector<std::string>& names) {
  std::string out = joined(kCipherSuites, names);
  return out.empty() ? std::string(kNoSuite) : out;
}

std::string openssl_groups(const std::vector<std::string>& names) { return joined(kCurves, names); }

}  // namespace sluice::net::tls
