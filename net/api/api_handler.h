// Answers the requests of one worker: routes them and hands them to their endpoint.
#pragma once

#include <memory>
#include <string_view>

#include "net/api/group_requests.h"
#include "net/api/router.h"
#include "net/api/worker_context.h"
#include "net/http/exchange.h"

namespace sluice::net::api {

class ApiHandler final : public http::Handler {
 public:
  explicit ApiHandler(WorkerContext& context) : context_(context) {}

  bool admits(http::Exchange& exchange) override;
  HeadAction on_head(http::Exchange& exchange, uint64_t& body_bytes_max) override;
  StepAction step(http::Exchange& exchange, Deadline deadline) override;
  void on_refused(int status, std::string_view peer) override;
  void on_limit(limits::Limit limit) override { context_.metrics.count_limit(limit); }
  bool readers_are_in_the_way() const noexcept override;
  void on_finished(const http::Exchange& exchange, bool sent) override;

 private:
  friend class GzipHeadState;

  // Answers, or returns the state of a request that is answered from its body.
  [[nodiscard]] std::unique_ptr<RequestState> begin(http::Exchange& exchange, const Route& route);
  [[nodiscard]] std::unique_ptr<RequestState> begin_group_request(http::Exchange& exchange, const Route& route);
  [[nodiscard]] std::unique_ptr<RequestState> begin_any_scrape(http::Exchange& exchange);
  // False: the address that it came to does not serve that, and it has been answered.
  [[nodiscard]] bool serves_here(http::Exchange& exchange, const Route& route);
  // False: --auth.file does not let the caller, who has been told so.
  [[nodiscard]] bool admit(http::Exchange& exchange, const Route& route);
  [[nodiscard]] bool within_address_rate(const http::Exchange& exchange);
  // False: too many scrapes are under way, and it has been answered.
  [[nodiscard]] bool may_scrape(http::Exchange& exchange);
  // Answers what is beyond a limit, and counts it.
  void refuse(http::Exchange& exchange, limits::Limit limit);
  void quit(http::Exchange& exchange);
  void api_answer(http::Exchange& exchange, Endpoint endpoint);
  void page(http::Exchange& exchange);
  void file(http::Exchange& exchange, std::string_view name);
  void ready(http::Exchange& exchange);
  // Answers at once and counts it under `handler`.
  void answer_ok(http::Exchange& exchange, HandlerName handler);

  WorkerContext& context_;
};

}  // namespace sluice::net::api
