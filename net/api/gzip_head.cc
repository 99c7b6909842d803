#include "net/api/gzip_head.h"

#include <string_view>

#include "net/api/replies.h"
#include "net/http/gzip_decoder.h"

namespace sluice::net::api {

http::Handler::StepAction GzipHeadState::step(http::Exchange& exchange, Deadline deadline) {
  if (request_ == nullptr) {
    std::string_view body = exchange.request.body;
    if (const std::string_view error = http::read_gzip_header(body); !error.empty()) {
      reply_error(exchange.response, 400, error);
      return http::Handler::StepAction::kDone;
    }
    request_ = handler_.begin(exchange, route_);
    if (request_ == nullptr) return http::Handler::StepAction::kDone;
  }
  return request_->step(exchange, deadline);
}

}  // namespace sluice::net::api
