#include "tests/net/tls/test_tls.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <array>
#include <utility>

#include "core/base/check.h"

namespace sluice::net::tls {
namespace {

template <typename Write>
std::string pem_of(const Write& write) {
  const BioPtr out(BIO_new(BIO_s_mem()));
  SLUICE_CHECK(write(out.get()) == 1);
  char* data = nullptr;
  const long bytes = BIO_get_mem_data(out.get(), &data);
  return {data, static_cast<size_t>(bytes)};
}

}  // namespace

TestPair make_pair(std::string_view common_name, const std::string& names, int valid_days) {
  const KeyPtr key(EVP_EC_gen("P-256"));
  const CertificatePtr certificate(X509_new());
  X509* const x509 = certificate.get();
  SLUICE_CHECK(key && x509 != nullptr);
  X509_set_version(x509, 2);
  static long serial = 0;
  ASN1_INTEGER_set(X509_get_serialNumber(x509), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(x509), -2L * 24 * 3600);
  X509_gmtime_adj(X509_getm_notAfter(x509), valid_days * 24L * 3600);
  X509_set_pubkey(x509, key.get());
  X509_NAME* const name = X509_get_subject_name(x509);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(common_name.data()),
                             static_cast<int>(common_name.size()), -1, 0);
  X509_set_issuer_name(x509, name);
  if (!names.empty()) {
    X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, names.c_str());
    SLUICE_CHECK(extension != nullptr && X509_add_ext(x509, extension, -1) == 1);
    X509_EXTENSION_free(extension);
  }
  SLUICE_CHECK(X509_sign(x509, key.get(), EVP_sha256()) > 0);
  return {pem_of([&](BIO* out) { return PEM_write_bio_X509(out, x509); }), pem_of([&](BIO* out) {
            return PEM_write_bio_PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
          })};
}

Settings server_settings() {
  static const TestPair pair = make_pair("localhost", "DNS:localhost");
  Settings settings;
  settings.certificates = pair.certificate;
  settings.key = pair.key;
  return settings;
}

TestClient::TestClient(const TestClientOptions& options) : context_(SSL_CTX_new(TLS_client_method())) {
  SSL_CTX* const context = context_.get();
  SSL_CTX_set_min_proto_version(context, options.version);
  SSL_CTX_set_max_proto_version(context, options.version);
  if (options.pair != nullptr) {
    const BioPtr certificate(BIO_new_mem_buf(options.pair->certificate.data(), -1));
    const BioPtr key(BIO_new_mem_buf(options.pair->key.data(), -1));
    const CertificatePtr x509(PEM_read_bio_X509(certificate.get(), nullptr, nullptr, nullptr));
    const KeyPtr pkey(PEM_read_bio_PrivateKey(key.get(), nullptr, nullptr, nullptr));
    SLUICE_CHECK(SSL_CTX_use_certificate(context, x509.get()) == 1);
    SLUICE_CHECK(SSL_CTX_use_PrivateKey(context, pkey.get()) == 1);
  }
  if (!options.suites.empty()) {
    const bool aes128 = options.suites == "AES128-GCM";
    const bool aes256 = options.suites == "AES256-GCM";
    const char* const modern = aes128   ? "TLS_AES_128_GCM_SHA256"
                               : aes256 ? "TLS_AES_256_GCM_SHA384"
                                        : "TLS_CHACHA20_POLY1305_SHA256";
    const char* const older = aes128   ? "ECDHE-ECDSA-AES128-GCM-SHA256"
                              : aes256 ? "ECDHE-ECDSA-AES256-GCM-SHA384"
                                       : "ECDHE-ECDSA-CHACHA20-POLY1305";
    SLUICE_CHECK(SSL_CTX_set_ciphersuites(context, modern) == 1 && SSL_CTX_set_cipher_list(context, older) == 1);
  }
  ssl_.reset(SSL_new(context));
  std::string list;
  for (const std::string& protocol : options.protocols) list += static_cast<char>(protocol.size()) + protocol;
  if (!list.empty()) {
    SSL_set_alpn_protos(ssl_.get(), reinterpret_cast<const unsigned char*>(list.data()),
                        static_cast<unsigned>(list.size()));
  }
  if (options.session) SSL_set_session(ssl_.get(), options.session.get());
  SSL_set_bio(ssl_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  SSL_set_connect_state(ssl_.get());
  go_on();
}

void TestClient::receive(std::string_view ciphertext) {
  BIO_write(SSL_get_rbio(ssl_.get()), ciphertext.data(), static_cast<int>(ciphertext.size()));
  go_on();
}

void TestClient::go_on() {
  std::array<char, 16384> room;
  for (;;) {
    ERR_clear_error();
    size_t bytes = 0;
    const int result = SSL_read_ex(ssl_.get(), room.data(), room.size(), &bytes);
    if (result != 1) {
      const int error = SSL_get_error(ssl_.get(), result);
      if (error == SSL_ERROR_ZERO_RETURN) ended = true;
      if (error == SSL_ERROR_SSL || error == SSL_ERROR_SYSCALL) failed = true;
      ERR_clear_error();
      return;
    }
    received.append(room.data(), bytes);
  }
}

void TestClient::write(std::string_view plaintext) {
  size_t written = 0;
  SLUICE_CHECK(SSL_write_ex(ssl_.get(), plaintext.data(), plaintext.size(), &written) == 1);
}

void TestClient::ask_for_keys() {
  SLUICE_CHECK(SSL_key_update(ssl_.get(), SSL_KEY_UPDATE_REQUESTED) == 1);
  SLUICE_CHECK(SSL_do_handshake(ssl_.get()) == 1);
}

void TestClient::close_notify() { SSL_shutdown(ssl_.get()); }

std::string TestClient::take_output() {
  BIO* const bio = SSL_get_wbio(ssl_.get());
  char* data = nullptr;
  const long bytes = BIO_get_mem_data(bio, &data);
  std::string out(data, static_cast<size_t>(bytes));
  BIO_reset(bio);
  return out;
}

bool TestClient::connected() const { return SSL_is_init_finished(ssl_.get()) == 1; }

bool TestClient::resumed() const { return SSL_session_reused(ssl_.get()) == 1; }

std::string TestClient::protocol() const {
  const unsigned char* name = nullptr;
  unsigned bytes = 0;
  SSL_get0_alpn_selected(ssl_.get(), &name, &bytes);
  return {reinterpret_cast<const char*>(name), bytes};
}

std::shared_ptr<SSL_SESSION> TestClient::session() const {
  // A copy: that of a connection that ends without a close_notify is not resumed any more.
  return {SSL_SESSION_dup(SSL_get0_session(ssl_.get())), SSL_SESSION_free};
}

void exchange(TestClient& client, Session& session) {
  for (;;) {
    const std::string from_client = client.take_output();
    if (from_client.empty() && session.to_send().empty()) return;
    session.receive(from_client);
    if (session.state() == Session::State::kHandshake) session.handshake();
    const std::string from_server = std::exchange(session.to_send(), {});
    client.receive(from_server);
  }
}

}  // namespace sluice::net::tls
