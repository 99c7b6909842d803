// What `--web.config.file` and `--auth.file` put before the workers' handlers: their files, the threads that compare
// passwords, one guard a worker (and one Access, with an auth file), and their figures as own metrics.
//
// Made and used on the main thread before the workers start; append() from any worker. Outlives the workers.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/base/limits.h"
#include "core/base/result.h"
#include "core/render/own_family.h"
#include "core/store/store.h"
#include "net/api/access_control.h"
#include "net/auth/access.h"
#include "net/auth/auth_file.h"
#include "net/conn/connections.h"
#include "net/http/exchange.h"
#include "net/tls/kernel_tls.h"
#include "net/web/guard.h"

namespace sluice::tools {

struct WebFrontOptions {
  std::string config_file;  // --web.config.file, may be empty
  std::string auth_file;    // --auth.file, may be empty
  bool kernel_tls = true;   // --net.kernel-tls
};

class WebFront {
 public:
  // Reads and judges the files. The error is the sentence that the process ends with.
  [[nodiscard]] static Result<std::unique_ptr<WebFront>, std::string> open(const WebFrontOptions& options);

  // A guard before `inner`, for the next worker.
  [[nodiscard]] net::web::Guard& add(net::http::Handler& inner);
  // What the handler of the worker that was added last is to ask; nullptr: nobody.
  [[nodiscard]] net::api::AccessControl* access() noexcept {
    return accesses_.empty() ? nullptr : accesses_.back().get();
  }
  // Whether connections are to speak TLS.
  [[nodiscard]] bool tls() const noexcept { return tls_; }
  // What seals what they send; nullptr: OpenSSL.
  [[nodiscard]] const net::tls::KernelTls* kernel_tls() const noexcept { return kernel_tls_; }

  void append(std::vector<render::OwnFamily>& families) const;
  [[nodiscard]] static std::vector<store::OwnFamily> names();

 private:
  WebFront(const WebFrontOptions& options, std::unique_ptr<net::web::ConfigFile> file,
           std::unique_ptr<net::auth::AuthFile> auth);
  void append_config(std::vector<render::OwnFamily>& families) const;
  void append_auth(std::vector<render::OwnFamily>& families) const;

  const bool has_config_;
  std::unique_ptr<net::web::ConfigFile> file_;
  std::unique_ptr<net::auth::AuthFile> auth_;  // none without --auth.file
  std::unique_ptr<net::web::PasswordPool> pool_;
  std::unique_ptr<net::web::GuardShared> shared_;
  std::vector<std::unique_ptr<net::auth::Access>> accesses_;
  std::vector<std::unique_ptr<net::web::Guard>> guards_;
  bool tls_ = false;
  const net::tls::KernelTls* kernel_tls_ = nullptr;
};

}  // namespace sluice::tools
