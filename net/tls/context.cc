#include "net/tls/context.h"

#include <openssl/sha.h>

#include <array>
#include <utility>

#include "net/tls/callbacks.h"
#include "net/tls/client_names.h"
#include "net/tls/key_pair.h"

namespace sluice::net::tls {
namespace {

// Session lifetime: a day's work of a keep-alive client ends in one full handshake, and Prometheus never notices.
constexpr long kSessionSeconds = 12 * 3600;
// Go's order where the processor has AES instructions.
constexpr const char* kSuites13 = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";

// A session belongs to the rules under which its client was let in: under other rules it is not resumed.
std::array<unsigned char, 32> rules_of(const Settings& settings) {
  std::string text(1, static_cast<char>(settings.client_auth));
  const auto add = [&](std::string_view part) { text += std::to_string(part.size()) + ':' + std::string(part); };
  add(settings.client_ca ? "ca" : "system");
  add(settings.client_ca.value_or(""));
  if (settings.client_allowed_sans) {
    for (const std::string& name : *settings.client_allowed_sans) add(name);
    text += "names";
  }
  std::array<unsigned char, 32> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  return digest;
}

}  // namespace

Result<std::shared_ptr<const Context>, std::string> Context::make(const Settings& settings, TicketKeys& tickets) {
  auto context = std::make_shared<Context>(Made{}, settings, tickets);
  if (auto done = context->set_up(); !done) return std::unexpected(done.error());
  OPENSSL_cleanse(context->settings_.key.data(), context->settings_.key.size());
  context->settings_.key.clear();
  return context;
}

Result<void, std::string> Context::set_up() {
  context_.reset(SSL_CTX_new(TLS_server_method()));
  if (!context_) return std::unexpected("no TLS context: " + take_error());
  SSL_CTX* const context = context_.get();
  SSL_CTX_set_app_data(context, this);
  // Above what a distribution's openssl.cnf says: Go refuses RSA below 1024 bits and nothing else. TLS 1.0 and 1.1 sign
  // with SHA-1, which only level 0 allows.
  SSL_CTX_set_security_level(context, settings_.version_min != 0 && settings_.version_min < 0x0303 ? 0 : 1);
  SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                   SSL_OP_PRIORITIZE_CHACHA);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);  // sessions are in tickets, none is kept here
  SSL_CTX_set_timeout(context, kSessionSeconds);
  SSL_CTX_set_num_tickets(context, 1);
  const auto rules = rules_of(settings_);
  if (SSL_CTX_set_session_id_context(context, rules.data(), rules.size()) != 1) {
    return std::unexpected("no TLS context: " + take_error());
  }
  install_callbacks(context);
  if (auto done = set_versions(); !done) return done;
  if (auto done = set_key_pair(); !done) return done;
  return set_clients();
}

Result<void, std::string> Context::set_versions() {
  SSL_CTX* const context = context_.get();
  const bool done = SSL_CTX_set_min_proto_version(
                        context, settings_.version_min == 0 ? TLS1_2_VERSION : settings_.version_min) == 1 &&
                    SSL_CTX_set_max_proto_version(
                        context, settings_.version_max == 0 ? TLS1_3_VERSION : settings_.version_max) == 1 &&
                    SSL_CTX_set_cipher_list(context, openssl_ciphers(settings_.cipher_suites).c_str()) == 1 &&
                    SSL_CTX_set_ciphersuites(context, kSuites13) == 1 &&
                    SSL_CTX_set1_groups_list(context, openssl_groups(settings_.curves).c_str()) == 1;
  if (done) return {};
  return std::unexpected("TLS versions, ciphers or curves cannot be had from this OpenSSL: " + take_error());
}

Result<void, std::string> Context::set_key_pair() {
  const auto pair = read_key_pair(settings_.certificates, settings_.key);
  if (!pair) return std::unexpected("failed to load X509KeyPair: " + pair.error());
  SSL_CTX* const context = context_.get();
  bool done = SSL_CTX_use_certificate(context, pair->chain.front().get()) == 1 &&
              SSL_CTX_use_PrivateKey(context, pair->key.get()) == 1;
  for (size_t i = 1; done && i < pair->chain.size(); ++i) {
    done = SSL_CTX_add1_chain_cert(context, pair->chain[i].get()) == 1;
  }
  if (done) return {};
  return std::unexpected("failed to load X509KeyPair: " + take_error());
}

Result<void, std::string> Context::set_clients() {
  SSL_CTX* const context = context_.get();
  if (settings_.client_auth == ClientAuth::kNone) return {};
  int mode = SSL_VERIFY_PEER;
  if (needs_certificate()) mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  SSL_CTX_set_verify(context, mode, nullptr);
  X509_STORE* const store = SSL_CTX_get_cert_store(context);
  // As in Go, a certificate in the pool is trusted by itself, whether it may sign others or not.
  X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
  if (!settings_.client_ca) {
    if (verifies()) X509_STORE_set_default_paths(store);
    ERR_clear_error();
    return {};
  }
  for (const CertificatePtr& certificate : read_certificates(*settings_.client_ca)) {
    if (X509_STORE_add_cert(store, certificate.get()) != 1 || SSL_CTX_add_client_CA(context, certificate.get()) != 1) {
      return std::unexpected("client CA's cannot be used: " + take_error());
    }
  }
  return {};
}

bool Context::needs_certificate() const noexcept {
  const ClientAuth auth = settings_.client_auth;
  // Names cannot be checked without one. (The reference panics, which also ends the connection.)
  return auth == ClientAuth::kRequireAny || auth == ClientAuth::kRequireAndVerify ||
         (auth != ClientAuth::kNone && settings_.client_allowed_sans.has_value());
}

bool Context::allows(const X509* certificate) const {
  return !settings_.client_allowed_sans || has_name_of(certificate, *settings_.client_allowed_sans);
}

bool Context::may_resume(const X509* certificate) const {
  if (settings_.client_auth == ClientAuth::kNone) return true;
  if (certificate == nullptr) return !needs_certificate();
  if (verifies() && X509_cmp_current_time(X509_get0_notAfter(certificate)) <= 0) return false;
  return allows(certificate);
}

}  // namespace sluice::net::tls
