#include "tests/fuzz/fuzz_server.h"

#include <algorithm>
#include <charconv>
#include <memory>
#include <random>

#include "core/base/check.h"
#include "core/base/limits.h"
#include "net/conn/connections.h"
#include "tests/net/loop/fake_worker.h"

namespace sluice::net::conn {
namespace {

using http::BodySource;
using http::Exchange;

// The number behind the second slash of a target.
size_t number_of(std::string_view target, size_t max) {
  const size_t slash = target.find('/', 1);
  size_t number = 0;
  if (slash != std::string_view::npos) {
    std::from_chars(target.data() + slash + 1, target.data() + target.size(), number);
  }
  return number % max;
}

class Stream final : public BodySource {
 public:
  Stream(size_t bytes, bool fails) : bytes_(bytes), fails_(fails) {}
  State produce(http::OutBuffer& out, Deadline /*deadline*/) override {
    const size_t until = std::min(bytes_, at_ + std::min<size_t>(701, out.free_bytes()));
    while (at_ < until) out.data[out.used++] = static_cast<char>('a' + at_++ % 23);
    if (at_ < bytes_) return State::kMore;
    return fails_ ? State::kFailed : State::kDone;
  }

 private:
  size_t bytes_;
  bool fails_;
  size_t at_ = 0;
};

Heard heard_of(const http::Request& request) {
  Heard heard{.method = std::string(request.method_text),
              .target = std::string(request.target),
              .host = std::string(request.host),
              .fields = {},
              .body = std::string(request.body),
              .version_minor = request.version_minor};
  for (const http::Header& header : request.headers) {
    heard.fields.append(header.name).append(": ").append(header.value).append("\n");
  }
  return heard;
}

struct Progress final : http::HandlerState {
  size_t at = 0;  // in the list of what was heard
  size_t steps_left = 0;
  bool parks = false;
  bool body_seen = false;
  bool asked_first = false;
};

class EchoHandler final : public http::Handler {
 public:
  explicit EchoHandler(Outcome& outcome) : outcome_(outcome) {}

  HeadAction on_head(Exchange& exchange, uint64_t& body_bytes_max) override {
    ++heads;
    auto progress = std::make_unique<Progress>();
    progress->at = outcome_.heard.size();
    const std::string_view target = exchange.request.target;
    Heard& heard = outcome_.heard.emplace_back(heard_of(exchange.request));
    SLUICE_CHECK(heard.body.empty());
    if (target.starts_with("/slices/") || target.starts_with("/parked/")) progress->steps_left = number_of(target, 9);
    progress->parks = target.starts_with("/parked/");
    progress->asked_first = target.starts_with("/first/");
    if (progress->asked_first) progress->steps_left = number_of(target, 9);
    const HeadAction action = progress->asked_first ? HeadAction::kStepFirst : HeadAction::kReadBody;
    if (target.starts_with("/small")) body_bytes_max = 10;
    exchange.state = std::move(progress);
    if (!target.starts_with("/gone")) return action;
    heard.complete = true;
    answer(exchange, 404, heard);
    return HeadAction::kRespond;
  }

  StepAction step(Exchange& exchange, Deadline /*deadline*/) override {
    auto& progress = static_cast<Progress&>(*exchange.state);
    Heard& heard = outcome_.heard[progress.at];
    // The views of the request hold until its answer is out, in whatever memory its pieces came.
    const Heard now = heard_of(exchange.request);
    SLUICE_CHECK(now.method == heard.method && now.target == heard.target && now.host == heard.host);
    SLUICE_CHECK(now.fields == heard.fields);
    if (progress.asked_first) {
      SLUICE_CHECK(now.body.empty());
      if (progress.steps_left-- > 0) return StepAction::kParked;
      progress.steps_left = 0;
      progress.asked_first = false;
      return StepAction::kReadBody;
    }
    SLUICE_CHECK(!progress.body_seen || now.body == heard.body);
    heard.body = now.body;
    heard.complete = progress.body_seen = true;
    if (progress.steps_left > 0) {
      --progress.steps_left;
      return progress.parks ? StepAction::kParked : StepAction::kAgain;
    }
    const std::string_view target = exchange.request.target;
    answer(exchange, 200, heard);
    exchange.response.close = target.starts_with("/close");
    const bool fails = target.starts_with("/broken/");
    outcome_.broken |= fails;
    if (fails || target.starts_with("/stream/")) {
      exchange.response.source = std::make_unique<Stream>(number_of(target, 6000), fails);
    }
    return StepAction::kDone;
  }

  void on_refused(int status, std::string_view /*peer*/) override {
    SLUICE_CHECK(status >= 400 && status < 600);
    ++outcome_.refused;
  }

  void on_limit(limits::Limit /*limit*/) override {}
  void on_finished(const Exchange& /*exchange*/, bool /*sent*/) override { ++finished; }

  uint64_t heads = 0;
  uint64_t finished = 0;

 private:
  static void answer(Exchange& exchange, int status, const Heard& heard) {
    exchange.response.status = status;
    exchange.response.headers = "X-Method: " + heard.method + "\r\n";
    exchange.response.body = heard.method + " " + heard.target + " " + heard.host + " " +
                             std::to_string(heard.version_minor) + "\n" + heard.fields + "\n" + heard.body;
  }

  Outcome& outcome_;
};

class Bed {
 public:
  Bed(const Plan& plan, Outcome& outcome)
      : ring(plan.seed, plan.faults, {.buffers = 16, .buffer_bytes = plan.buffer_bytes}),
        worker(ring),
        handler(outcome),
        connections(handler, plan.options) {
    worker.start(connections);
  }
  ring::ClientId connect() {
    const ring::ClientId id = ring.client_connect();
    worker.connect({.socket = ring.client(id).descriptor});
    return id;
  }
  void settle() {
    for (int quiet = 0, turns = 0; quiet < 2; ++turns) {
      const uint32_t dispatched = worker.turn();
      quiet = dispatched == 0 && worker.runnables() == 0 && ring.quiet() ? quiet + 1 : 0;
      SLUICE_CHECK(turns < 100'000);
    }
  }
  // Everything has come to an end by itself; nothing is left.
  void finish() {
    worker.advance(limits::kLingerNs + 100'000'000);
    settle();
    SLUICE_CHECK(worker.connections() == 0 && connections.counters().open == 0);
    SLUICE_CHECK(ring.in_flight() == 0 && ring.buffers_free() == ring.buffers_total());
    SLUICE_CHECK(worker.timers() == 0 && worker.runnables() == 0);
    SLUICE_CHECK(handler.heads == handler.finished);
    connections.on_end();
  }

  ring::FakeRing ring;
  loop::FakeWorker worker;
  EchoHandler handler;
  Connections connections;
};

// What one client has still to send.
struct Sender {
  ring::ClientId id;
  std::string_view left;
};

void send_all(Bed& bed, std::vector<Sender> senders, const Plan& plan, std::mt19937_64& random) {
  while (!senders.empty()) {
    Sender& sender = senders[random() % senders.size()];
    const size_t most = std::min(plan.piece_bytes_max, sender.left.size());
    const size_t bytes = plan.piece_bytes_max == SIZE_MAX || most == 0 ? most : 1 + random() % most;
    bed.ring.client_send(sender.id, sender.left.substr(0, bytes));
    sender.left.remove_prefix(bytes);
    if (sender.left.empty()) {
      if (plan.finish_at_once) bed.ring.client_finish(sender.id);
      senders.erase(senders.begin() + (&sender - senders.data()));
    }
    for (uint64_t turns = random() % 3; turns > 0; --turns) bed.worker.turn();
  }
  bed.settle();
}

}  // namespace

Outcome serve(std::string_view stream, const Plan& plan) {
  Outcome outcome;
  Bed bed(plan, outcome);
  std::mt19937_64 random(plan.seed);
  std::vector<ring::ClientId> clients;
  const auto run = [&](unsigned count, std::string_view bytes) {
    std::vector<Sender> senders;
    for (unsigned k = 0; k < count; ++k) {
      clients.push_back(bed.connect());
      senders.push_back({clients.back(), bytes});
      if (plan.slow_reader) bed.ring.client(clients.back()).window = random() % 100;
    }
    send_all(bed, senders, plan, random);
    for (const Sender& sender : senders) {
      bed.ring.client(sender.id).window = SIZE_MAX;
      bed.ring.client_finish(sender.id);
    }
    bed.settle();
  };
  for (const std::string& earlier : plan.before) {
    run(1, earlier);
    // Until lingering ends: no request of it is left, so what was heard is nobody's.
    bed.worker.advance(limits::kLingerNs + 100'000'000);
    bed.settle();
    outcome = {};
    clients.clear();
  }
  run(plan.clients, stream);
  // In the slot, the descriptor and the buffers of one that is gone.
  if (plan.clients > 1) run(1, stream);
  bed.finish();
  for (const ring::ClientId id : clients) {
    SLUICE_CHECK(bed.ring.client(id).server_closed);
    outcome.received.push_back(bed.ring.client(id).received);
  }
  return outcome;
}

}  // namespace sluice::net::conn
