#include "tests/net/conn/test_handler.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace sluice::net::conn {

using http::BodySource;
using http::Exchange;
using http::Method;

namespace {

char stream_char(size_t at) { return static_cast<char>('a' + at % 23); }

class CountingSource final : public BodySource {
 public:
  CountingSource(size_t bytes, size_t piece, bool fails, uint64_t& written)
      : bytes_(bytes), piece_(piece), fails_(fails), written_(written) {}
  State produce(http::OutBuffer& out, Deadline deadline) override {
    const size_t until = std::min(bytes_, at_ + std::min(piece_, out.free_bytes()));
    written_ += until - at_;
    while (at_ < until) out.data[out.used++] = stream_char(at_++);
    static_cast<void>(deadline);
    if (at_ < bytes_) return State::kMore;
    return fails_ ? State::kFailed : State::kDone;
  }

 private:
  size_t bytes_;
  size_t piece_;
  bool fails_;
  uint64_t& written_;
  size_t at_ = 0;
};

struct CountedState final : http::HandlerState {
  CountedState(int& alive, uint64_t steps, bool parks) : alive_states(alive), steps_left(steps), parked(parks) {
    ++alive_states;
  }
  CountedState(const CountedState&) = delete;
  CountedState& operator=(const CountedState&) = delete;
  ~CountedState() override { --alive_states; }
  int& alive_states;
  uint64_t steps_left;
  bool parked;
};

void answer(Exchange& exchange, int status, std::string_view body) {
  exchange.response.status = status;
  exchange.response.body = body;
  exchange.response.headers = "Content-Type: text/plain; charset=utf-8\r\n";
}

size_t number_at(std::string_view target) {
  return std::strtoull(std::string(target.substr(target.rfind('/') + 1)).c_str(), nullptr, 10);
}

}  // namespace

std::string stream_text(size_t count) {
  std::string text(count, ' ');
  for (size_t i = 0; i < count; ++i) text[i] = stream_char(i);
  return text;
}

http::Handler::HeadAction TestHandler::on_head(Exchange& exchange, uint64_t& body_bytes_max) {
  ++heads;
  const http::Request& request = exchange.request;
  kept_fields = request.headers.capacity();
  kept_answer = exchange.response.body.capacity();
  const std::string_view path = request.target.substr(0, request.target.find('?'));
  const auto is = [&](std::string_view prefix) { return path.starts_with(prefix); };
  const bool wants_post = path == "/metrics/job/h" || path == "/echo" || path == "/small" || is("/slices/") ||
                          is("/parked/") || is("/asked/") || is("/denied/");
  const bool wants_get = path == "/-/ready" || path == "/-/healthy" || is("/stream/") || is("/broken/");
  if (!wants_post && !wants_get) {
    answer(exchange, 404, "404 page not found\n");
    return HeadAction::kRespond;
  }
  if (request.method != (wants_post ? Method::kPost : Method::kGet)) {
    answer(exchange, 405, "Method Not Allowed\n");
    return HeadAction::kRespond;
  }
  if (path == "/small") body_bytes_max = 10;
  if (is("/slices/")) exchange.state = std::make_unique<CountedState>(alive_states, number_at(path), false);
  if (is("/parked/")) exchange.state = std::make_unique<CountedState>(alive_states, number_at(path), true);
  if (is("/asked/") || is("/denied/")) {
    exchange.state = std::make_unique<CountedState>(alive_states, number_at(path), true);
    return HeadAction::kStepFirst;
  }
  return HeadAction::kReadBody;
}

http::Handler::StepAction TestHandler::step(Exchange& exchange, Deadline deadline) {
  ++steps;
  slice_ns = deadline.at_ns - monotonic_ns();
  const http::Request& request = exchange.request;
  if (auto* state = static_cast<CountedState*>(exchange.state.get()); state != nullptr && state->steps_left > 0) {
    --state->steps_left;
    return state->parked ? StepAction::kParked : StepAction::kAgain;
  }
  if (request.target.starts_with("/denied/")) {
    answer(exchange, 401, "Unauthorized\n");
    return StepAction::kDone;
  }
  if (request.target.starts_with("/asked/") && exchange.state != nullptr) {
    exchange.state.reset();
    exchange.body_bytes_max = 10;
    return StepAction::kReadBody;
  }
  if (request.target.starts_with("/stream/") || request.target.starts_with("/broken/")) {
    exchange.response.source = std::make_unique<CountingSource>(number_at(request.target), stream_piece,
                                                                request.target.starts_with("/broken/"), streamed);
    return StepAction::kDone;
  }
  if (request.method == Method::kPost) {
    bodies.emplace_back(request.body);
    body_addresses.push_back(request.body.data());
    if (request.target == "/echo") answer(exchange, 200, request.body);
  } else {
    answer(exchange, 200, "OK");
  }
  return StepAction::kDone;
}

void TestHandler::on_refused(int status, std::string_view /*peer*/) { refused.push_back(status); }

void TestHandler::on_finished(const Exchange& exchange, bool sent) {
  finished.push_back({exchange.response.status, sent});
}

}  // namespace sluice::net::conn
