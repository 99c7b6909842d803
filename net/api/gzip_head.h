// A request with `Content-Encoding: gzip`: the reference opens its body before it looks at what the request is, so a
// broken header is a 400 on every route but /api, also where no body belongs.
#pragma once

#include <memory>
#include <utility>

#include "net/api/api_handler.h"
#include "net/api/group_requests.h"
#include "net/api/router.h"
#include "net/http/exchange.h"

namespace sluice::net::api {

class GzipHeadState final : public RequestState {
 public:
  GzipHeadState(ApiHandler& handler, Route route) : handler_(handler), route_(std::move(route)) {}
  [[nodiscard]] http::Handler::StepAction step(http::Exchange& exchange, Deadline deadline) override;

 private:
  ApiHandler& handler_;
  Route route_;
  std::unique_ptr<RequestState> request_;  // once the header is good
};

}  // namespace sluice::net::api
