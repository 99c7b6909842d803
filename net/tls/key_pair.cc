#include "net/tls/key_pair.h"

#include <openssl/pem.h>

#include <algorithm>
#include <utility>

#include "net/tls/settings.h"

namespace sluice::net::tls {
namespace {

struct Block {
  std::string type;
  std::string bytes;
  bool has_headers = false;
};

// The blocks of `pem` in order, up to the first that is broken.
std::vector<Block> read_blocks(std::string_view pem) {
  std::vector<Block> blocks;
  const BioPtr input(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  if (!input) return blocks;
  for (;;) {
    char* type = nullptr;
    char* header = nullptr;
    unsigned char* bytes = nullptr;
    long count = 0;
    if (PEM_read_bio(input.get(), &type, &header, &bytes, &count) != 1) break;
    blocks.push_back({type, {reinterpret_cast<char*>(bytes), static_cast<size_t>(count)}, header[0] != '\0'});
    OPENSSL_free(type);
    OPENSSL_free(header);
    OPENSSL_clear_free(bytes, static_cast<size_t>(count));
  }
  ERR_clear_error();
  return blocks;
}

bool is_key(const Block& block) { return block.type == "PRIVATE KEY" || block.type.ends_with(" PRIVATE KEY"); }
bool is_certificate(const Block& block) { return block.type == "CERTIFICATE"; }

CertificatePtr parse_certificate(const Block& block) {
  const auto* at = reinterpret_cast<const unsigned char*>(block.bytes.data());
  CertificatePtr certificate(d2i_X509(nullptr, &at, static_cast<long>(block.bytes.size())));
  ERR_clear_error();
  return certificate;
}

// As Go prints a list of strings.
std::string types_of(const std::vector<Block>& blocks) {
  std::string out = "[";
  for (const Block& block : blocks) {
    if (out.size() > 1) out += ' ';
    out += block.type;
  }
  return out + "]";
}

Result<std::vector<CertificatePtr>, std::string> read_chain(std::string_view pem) {
  const std::vector<Block> blocks = read_blocks(pem);
  if (blocks.empty()) return std::unexpected("tls: failed to find any PEM data in certificate input");
  std::vector<CertificatePtr> chain;
  for (const Block& block : blocks) {
    if (!is_certificate(block)) continue;
    CertificatePtr certificate = parse_certificate(block);
    if (!certificate) return std::unexpected("x509: malformed certificate");
    chain.push_back(std::move(certificate));
  }
  if (!chain.empty()) return chain;
  if (blocks.size() == 1 && is_key(blocks.front())) {
    return std::unexpected(
        "tls: failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may "
        "have been switched");
  }
  return std::unexpected(
      "tls: failed to find \"CERTIFICATE\" PEM block in certificate input after skipping PEM blocks of the following "
      "types: " +
      types_of(blocks));
}

Result<KeyPtr, std::string> read_key(std::string_view pem) {
  const std::vector<Block> blocks = read_blocks(pem);
  if (blocks.empty()) return std::unexpected("tls: failed to find any PEM data in key input");
  const auto found = std::ranges::find_if(blocks, is_key);
  if (found == blocks.end()) {
    if (blocks.size() == 1 && is_certificate(blocks.front())) {
      return std::unexpected("tls: found a certificate rather than a key in the PEM for the private key");
    }
    return std::unexpected(
        "tls: failed to find PEM block with type ending in \"PRIVATE KEY\" in key input after skipping PEM blocks of "
        "the following types: " +
        types_of(blocks));
  }
  const auto* at = reinterpret_cast<const unsigned char*>(found->bytes.data());
  KeyPtr key(d2i_AutoPrivateKey(nullptr, &at, static_cast<long>(found->bytes.size())));
  ERR_clear_error();
  if (!key) return std::unexpected("tls: failed to parse private key");
  return key;
}

}  // namespace

Result<KeyPair, std::string> read_key_pair(std::string_view certificates, std::string_view key) {
  auto chain = read_chain(certificates);
  if (!chain) return std::unexpected(chain.error());
  auto own = read_key(key);
  if (!own) return std::unexpected(own.error());
  const EVP_PKEY* const certified = X509_get0_pubkey(chain->front().get());
  if (certified == nullptr) return std::unexpected("tls: unknown public key algorithm");
  const int equal = EVP_PKEY_eq(certified, own->get());
  ERR_clear_error();
  if (equal == -1) return std::unexpected("tls: private key type does not match public key type");
  if (equal != 1) return std::unexpected("tls: private key does not match public key");
  return KeyPair{std::move(*chain), std::move(*own)};
}

Result<void, std::string> check_key_pair(std::string_view certificates, std::string_view key) {
  const auto pair = read_key_pair(certificates, key);
  if (!pair) return std::unexpected(pair.error());
  return {};
}

std::vector<CertificatePtr> read_certificates(std::string_view pem) {
  std::vector<CertificatePtr> certificates;
  for (const Block& block : read_blocks(pem)) {
    if (!is_certificate(block) || block.has_headers) continue;
    if (CertificatePtr certificate = parse_certificate(block)) certificates.push_back(std::move(certificate));
  }
  return certificates;
}

}  // namespace sluice::net::tls
