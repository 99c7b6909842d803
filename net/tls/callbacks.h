// What OpenSSL asks during a handshake: which protocol, who the client is, how tickets are sealed and whether one
// counts.
#pragma once

#include <openssl/ssl.h>

namespace sluice::net::tls {

// The context's app data is the Context that owns it.
void install_callbacks(SSL_CTX* context);

}  // namespace sluice::net::tls
