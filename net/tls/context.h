// What the sessions of one configuration have in common: OpenSSL's context, made once for each version of the web
// config and its certificates, never changed.
//
// Who may come in is decided here: the certificate that a client sends, and again the one in a session that it wants to
// resume, which OpenSSL by itself would take as it is.
//
// Thread: any; sessions of all workers share it. Lifetime: the sessions keep it; `tickets` outlives it.
#pragma once

#include <memory>
#include <string>

#include "core/base/result.h"
#include "net/tls/openssl.h"
#include "net/tls/settings.h"
#include "net/tls/ticket_keys.h"

namespace sluice::net::tls {

class Context {
  struct Made {};  // only make() has one

 public:
  // The error is one sentence, Go's where Go has one.
  [[nodiscard]] static Result<std::shared_ptr<const Context>, std::string> make(const Settings& settings,
                                                                                TicketKeys& tickets);
  Context(Made, const Settings& settings, TicketKeys& tickets) : settings_(settings), tickets_(tickets) {}
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  [[nodiscard]] SSL_CTX* openssl() const noexcept { return context_.get(); }

  // For OpenSSL's callbacks.
  // Whether one of the names in `certificate` is allowed; always, when the settings name none.
  [[nodiscard]] bool allows(const X509* certificate) const;
  // Whether a session may go on whose client had sent `certificate` (nullptr: none) when it began.
  [[nodiscard]] bool may_resume(const X509* certificate) const;
  [[nodiscard]] bool verifies() const noexcept {
    return settings_.client_auth == ClientAuth::kVerifyIfGiven ||
           settings_.client_auth == ClientAuth::kRequireAndVerify;
  }
  [[nodiscard]] bool needs_certificate() const noexcept;
  [[nodiscard]] bool strict_alpn() const noexcept { return settings_.strict_alpn; }
  [[nodiscard]] TicketKeys& tickets() const noexcept { return tickets_; }

 private:
  [[nodiscard]] Result<void, std::string> set_up();
  [[nodiscard]] Result<void, std::string> set_key_pair();
  [[nodiscard]] Result<void, std::string> set_versions();
  [[nodiscard]] Result<void, std::string> set_clients();

  Settings settings_;
  TicketKeys& tickets_;
  ContextPtr context_;
};

}  // namespace sluice::net::tls
