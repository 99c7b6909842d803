#include "net/tls/callbacks.h"

#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include <algorithm>
#include <string_view>

#include "core/base/clock.h"
#include "net/tls/context.h"

namespace sluice::net::tls {
namespace {

const Context& context_of(const SSL* ssl) {
  return *static_cast<const Context*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
}

int choose_protocol(SSL* ssl, const unsigned char** out, unsigned char* out_bytes, const unsigned char* offered,
                    unsigned offered_bytes, void* /*unused*/) {
  constexpr std::string_view kHttp11 = "http/1.1";
  const std::string_view list(reinterpret_cast<const char*>(offered), offered_bytes);
  for (size_t at = 0; at < list.size();) {
    const auto bytes = static_cast<unsigned char>(list[at]);
    if (list.substr(at + 1, bytes) == kHttp11) {
      *out = offered + at + 1;
      *out_bytes = bytes;
      return SSL_TLSEXT_ERR_OK;
    }
    at += 1 + size_t{bytes};
  }
  return context_of(ssl).strict_alpn() ? SSL_TLSEXT_ERR_ALERT_FATAL : SSL_TLSEXT_ERR_NOACK;
}

// Replaces OpenSSL's verification of what the client sent.
int verify_client(X509_STORE_CTX* store, void* /*unused*/) {
  const auto* ssl = static_cast<const SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  const Context& context = context_of(ssl);
  if (context.verifies() && X509_verify_cert(store) <= 0) return 0;
  if (!context.allows(X509_STORE_CTX_get0_cert(store))) {
    X509_STORE_CTX_set_error(store, X509_V_ERR_HOSTNAME_MISMATCH);  // the alert is bad_certificate, as Go's
    return 0;
  }
  X509_STORE_CTX_set_error(store, X509_V_OK);
  return 1;
}

// `sealing`: 1 to make a ticket, 0 to open one. Returns OpenSSL's 1 (good), 2 (good, but replace it), 0 (not ours), -1.
int use_ticket_key(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac,
                   int sealing) {
  TicketKeys& keys = context_of(ssl).tickets();
  TicketKey key;
  int result = 1;
  if (sealing == 1) {
    const auto current = keys.sealing(monotonic_ns());
    if (!current || RAND_bytes(iv, 16) != 1) return -1;
    key = *current;
    std::ranges::copy(key.name, name);
  } else {
    const auto found = keys.opening({reinterpret_cast<const char*>(name), key.name.size()}, monotonic_ns());
    if (!found) return 0;
    key = found->key;
    if (found->old) result = 2;
  }
  char digest[] = "SHA256";
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key.mac.data(), key.mac.size()),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
      OSSL_PARAM_construct_end(),
  };
  const bool ready = EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), nullptr, key.cipher.data(), iv, sealing) == 1 &&
                     EVP_MAC_CTX_set_params(mac, parameters) == 1;
  OPENSSL_cleanse(&key, sizeof key);
  return ready ? result : -1;
}

// A session whose client would not be let in now is not resumed: a full handshake follows, which says why.
SSL_TICKET_RETURN judge_ticket(SSL* ssl, SSL_SESSION* session, const unsigned char* /*name*/, size_t /*name_bytes*/,
                               SSL_TICKET_STATUS status, void* /*unused*/) {
  if (status != SSL_TICKET_SUCCESS && status != SSL_TICKET_SUCCESS_RENEW) return SSL_TICKET_RETURN_IGNORE_RENEW;
  if (!context_of(ssl).may_resume(SSL_SESSION_get0_peer(session))) return SSL_TICKET_RETURN_IGNORE_RENEW;
  // In TLS 1.3 a client uses a ticket once, so that nobody can tell its connections together.
  const bool renew = status == SSL_TICKET_SUCCESS_RENEW || SSL_SESSION_get_protocol_version(session) >= TLS1_3_VERSION;
  return renew ? SSL_TICKET_RETURN_USE_RENEW : SSL_TICKET_RETURN_USE;
}

}  // namespace

void install_callbacks(SSL_CTX* context) {
  SSL_CTX_set_alpn_select_cb(context, choose_protocol, nullptr);
  SSL_CTX_set_cert_verify_callback(context, verify_client, nullptr);
  SSL_CTX_set_tlsext_ticket_key_evp_cb(context, use_ticket_key);
  SSL_CTX_set_session_ticket_cb(context, nullptr, judge_ticket, nullptr);
}

}  // namespace sluice::net::tls
