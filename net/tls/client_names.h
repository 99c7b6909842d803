// The names in a client's certificate, as exporter-toolkit compares them: DNS names, e-mail addresses, IP addresses and
// URIs of the subject alternative names, each as text, byte for byte and without wildcards.
#pragma once

#include <openssl/x509.h>

#include <string>
#include <vector>

namespace sluice::net::tls {

// All of them, and the subject's common names behind.
[[nodiscard]] std::vector<std::string> names_of(const X509* certificate);

// Whether one of them (common names do not count) is among `allowed`. A certificate without such names never is.
[[nodiscard]] bool has_name_of(const X509* certificate, const std::vector<std::string>& allowed);

}  // namespace sluice::net::tls
