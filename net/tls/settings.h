// What a TLS server is to do, in the words of exporter-toolkit's tls_server_config, with the files already read.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace sluice::net::tls {

enum class ClientAuth : uint8_t { kNone, kRequest, kRequireAny, kVerifyIfGiven, kRequireAndVerify };

// "", "NoClientCert", "RequestClientCert", ...: in exact case; nullopt for any other name.
[[nodiscard]] std::optional<ClientAuth> client_auth_of(std::string_view name) noexcept;

struct Settings {
  std::string certificates;  // PEM: the server's, and those between it and its root
  std::string key;           // PEM
  ClientAuth client_auth = ClientAuth::kNone;
  std::optional<std::string> client_ca;  // PEM; without it clients are judged by the system's roots, as in Go
  std::optional<std::vector<std::string>> client_allowed_sans;
  std::vector<std::string> cipher_suites;  // Go's names; empty: all. Those of TLS 1.3 cannot be chosen
  std::vector<std::string> curves;         // Go's names; empty: all
  uint16_t version_min = 0x0303;           // as on the wire; 0: 1.2
  uint16_t version_max = 0x0304;           // 0: 1.3
  bool strict_alpn = true;                 // refuse who offers protocols, but not HTTP/1.1
};

// Names that Go's crypto/tls calls secure, in its order of preference.
[[nodiscard]] bool is_cipher_suite(std::string_view name) noexcept;
[[nodiscard]] bool is_curve(std::string_view name) noexcept;
// "TLS10" to "TLS13", else nullopt.
[[nodiscard]] std::optional<uint16_t> version_of(std::string_view name) noexcept;

// Whether the PEM texts are a chain and the key of its first certificate; else why not, in Go's words.
[[nodiscard]] Result<void, std::string> check_key_pair(std::string_view certificates, std::string_view key);

// What OpenSSL takes. Go ignores the order of either list, so these have its order whatever the settings' is.
[[nodiscard]] std::string openssl_ciphers(const std::vector<std::string>& names);
[[nodiscard]] std::string openssl_groups(const std::vector<std::string>& names);

}  // namespace sluice::net::tls
