// Certificates made in memory, and a TLS client without a socket, for tests of what speaks TLS.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/tls/context.h"
#include "net/tls/openssl.h"
#include "net/tls/session.h"
#include "net/tls/settings.h"

namespace sluice::net::tls {

struct TestPair {
  std::string certificate;  // PEM
  std::string key;          // PEM
};

// Signs itself. `names`: of a subject alternative name extension as OpenSSL writes them ("DNS:a,IP:127.0.0.1").
[[nodiscard]] TestPair make_pair(std::string_view common_name, const std::string& names = "", int valid_days = 1);

// A server's settings with a certificate for localhost.
[[nodiscard]] Settings server_settings();

struct TestClientOptions {
  int version = TLS1_3_VERSION;
  std::vector<std::string> protocols{};  // ALPN
  const TestPair* pair = nullptr;
  std::shared_ptr<SSL_SESSION> session{};  // to resume
  std::string_view suites{};               // "AES128-GCM", "AES256-GCM" or "CHACHA20"; empty: the library's choice
};

class TestClient {
 public:
  explicit TestClient(const TestClientOptions& options = {});

  // From the server.
  void receive(std::string_view ciphertext);
  void write(std::string_view plaintext);
  void close_notify();
  // Asks the server for new keys (TLS 1.3), which it has to answer.
  void ask_for_keys();
  // For the server; empty afterwards.
  [[nodiscard]] std::string take_output();

  [[nodiscard]] bool connected() const;
  [[nodiscard]] bool resumed() const;
  [[nodiscard]] std::string protocol() const;
  // For another client; of TLS 1.3 only after something was received behind the handshake.
  [[nodiscard]] std::shared_ptr<SSL_SESSION> session() const;

  std::string received;  // plaintext
  bool ended = false;    // the server said that nothing follows
  bool failed = false;

 private:
  void go_on();

  ContextPtr context_;
  SslPtr ssl_;
};

// Moves bytes between the two until neither has any.
void exchange(TestClient& client, Session& session);

}  // namespace sluice::net::tls
