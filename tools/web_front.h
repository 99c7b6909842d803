// What `--web.config.file` puts before the workers' handlers: its file, the threads that compare passwords, one guard a
// worker, and their figures as own metrics.
//
// Made and used on the main thread before the workers start; append() from any worker. Outlives the workers.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/render/own_family.h"
#include "core/store/store.h"
#include "net/conn/connections.h"
#include "net/http/exchange.h"
#include "net/web/guard.h"

namespace sluice::tools {

class WebFront {
 public:
  // Reads and judges the file at `path`. The error is the sentence that the process ends with.
  [[nodiscard]] static Result<std::unique_ptr<WebFront>, std::string> open(const std::string& path,
                                                                           uint64_t body_bytes_max);

  // A guard before `inner`, for the next worker.
  [[nodiscard]] net::web::Guard& add(net::http::Handler& inner);
  // Whether connections are to speak TLS.
  [[nodiscard]] bool tls() const noexcept { return tls_; }

  void append(std::vector<render::OwnFamily>& families) const;
  [[nodiscard]] static std::vector<store::OwnFamily> names();

 private:
  WebFront(std::unique_ptr<net::web::ConfigFile> file, uint64_t body_bytes_max);

  std::unique_ptr<net::web::ConfigFile> file_;
  std::unique_ptr<net::web::PasswordPool> pool_;
  std::unique_ptr<net::web::GuardShared> shared_;
  std::vector<std::unique_ptr<net::web::Guard>> guards_;
  bool tls_ = false;
};

}  // namespace sluice::tools
