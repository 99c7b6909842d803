// Certificates and keys out of PEM text, with the sentences of Go's crypto/tls where it refuses them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "net/tls/openssl.h"

namespace sluice::net::tls {

struct KeyPair {
  std::vector<CertificatePtr> chain;  // the server's own first; at least one
  KeyPtr key;                         // belongs to it
};

[[nodiscard]] Result<KeyPair, std::string> read_key_pair(std::string_view certificates, std::string_view key);

// Every certificate of `pem` that can be read; the rest is passed over, as Go's CertPool does.
[[nodiscard]] std::vector<CertificatePtr> read_certificates(std::string_view pem);

}  // namespace sluice::net::tls
