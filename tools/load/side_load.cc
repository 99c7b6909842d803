#include "tools/load/side_load.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "core/base/clock.h"
#include "net/ring/token.h"

namespace sluice::tools::load {

namespace {

// A slow push takes this many steps, two seconds in all; a slow reader takes a piece of 4 KiB in each step.
constexpr size_t kSlowPieces = 100;
constexpr int64_t kSlowStepNs = 20'000'000;
constexpr size_t kSlowReadBytes = 4096;
constexpr int64_t kRetryNs = 500'000'000;
constexpr int64_t kLookNs = 20'000'000;

}  // namespace

using net::ring::Completion;
using net::ring::Op;
using net::ring::Token;

SideLoad::SideLoad(const Options& options, RunState& state) : options_(options), state_(state) {
  const auto add = [&](Kind kind, uint32_t count) {
    for (uint32_t i = 0; i < count; ++i) {
      Peer& peer = peers_.emplace_back();
      peer.kind = kind;
      peer.index = static_cast<uint32_t>(peers_.size() - 1);
      peer.request = request_of(kind, i);
      if (kind == Kind::kSlowReader) peer.piece.resize(kSlowReadBytes);
      peer.reader = std::make_unique<ResponseReader>([this, &peer](std::string_view part) {
        if (peer.first_byte_ns == 0) peer.first_byte_ns = monotonic_ns();
        if (peer.kind != Kind::kSlowSender) stats_.scrape_bytes += part.size();
      });
    }
  };
  add(Kind::kSlowSender, options.side.slow_senders);
  add(Kind::kScraper, options.side.scrapers);
  add(Kind::kSlowReader, options.side.slow_readers);
  active_ = peers_.size();
  add(Kind::kIdle, options.side.idle);
}

SideLoad::~SideLoad() = default;

std::string SideLoad::request_of(Kind kind, uint32_t index) const {
  const std::string common = fmt::format(" HTTP/1.1\r\nHost: {}\r\nUser-Agent: sluice-load\r\n", options_.target.host);
  if (kind == Kind::kSlowSender) {
    std::string body = "# TYPE load_slow gauge\n";
    while (body.size() < 1024) body += fmt::format("load_slow{{line=\"{}\"}} 1\n", body.size());
    return fmt::format("POST {}/metrics/job/{}_slow/instance/host-{}{}Content-Length: {}\r\n\r\n{}",
                       options_.target.prefix, options_.job, index, common, body.size(), body);
  }
  const bool gzip = kind == Kind::kScraper && options_.side.scrape_gzip;
  return fmt::format("GET {}/metrics{}Accept-Encoding: {}\r\n\r\n", options_.target.prefix, common,
                     gzip ? "gzip" : "identity");
}

Result<void, std::string> SideLoad::run(const net::ring::Capabilities& capabilities) {
  auto ring = net::ring::make_ring(capabilities, {});
  if (!ring) return std::unexpected(ring.error());
  ring_ = std::move(*ring);
  if (ring_->enable() < 0) return std::unexpected("the ring cannot be enabled");
  for (size_t i = active_; i < peers_.size(); ++i) begin(peers_[i], monotonic_ns());
  while (!state_.stopping_side()) {
    const int64_t now = monotonic_ns();
    int64_t due = now + kLookNs;
    for (size_t i = 0; i < active_; ++i) {
      if (peers_[i].due_ns <= now) step(peers_[i], now);
      if (peers_[i].due_ns > now) due = std::min(due, peers_[i].due_ns);
    }
    ring_->turn(std::max<int64_t>(due - monotonic_ns(), 0), *this);
  }
  for (Peer& peer : peers_) begin_close(peer);
  const auto is_open = [](const Peer& peer) { return peer.descriptor >= 0; };
  while (std::ranges::any_of(peers_, is_open)) ring_->turn(kLookNs, *this);
  ring_.reset();
  return {};
}

// What is due of a peer: the next request, or the next piece of a slow one.
void SideLoad::step(Peer& peer, int64_t now) {
  peer.due_ns = now + kSlowStepNs;
  if (peer.closing) return;
  if (!peer.working) {
    begin(peer, now);
  } else if (peer.kind == Kind::kSlowSender) {
    if (!peer.sending && peer.sent < peer.request.size()) send_more(peer);
  } else if (!peer.receiving) {
    read_more(peer);
  }
}

void SideLoad::begin(Peer& peer, int64_t now) {
  if (peer.descriptor < 0) {
    const int descriptor = begin_connect(options_.target, nullptr);
    if (descriptor < 0) {
      peer.due_ns = now + kRetryNs;
      fail(peer, fmt::format("cannot connect: {}", std::strerror(-descriptor)));
      return;
    }
    ring_->adopt(descriptor);
    peer.descriptor = descriptor;
    if (peer.kind != Kind::kSlowReader) read_more(peer);
  }
  if (peer.kind == Kind::kIdle) return;
  peer.working = true;
  peer.started_ns = now;
  peer.first_byte_ns = 0;
  peer.sent = 0;
  send_more(peer);
}

void SideLoad::send_more(Peer& peer) {
  size_t count = peer.request.size() - peer.sent;
  if (peer.kind == Kind::kSlowSender) count = std::min(count, peer.request.size() / kSlowPieces + 1);
  peer.sending = true;
  ring_->send(peer.descriptor, peer.request.data() + peer.sent, count, Token::make(0, peer.index, peer.generation));
}

void SideLoad::read_more(Peer& peer) {
  peer.receiving = true;
  const Token token = Token::make(0, peer.index, peer.generation);
  if (peer.kind == Kind::kSlowReader) {
    ring_->receive_into(peer.descriptor, peer.piece.data(), peer.piece.size(), token);
  } else {
    ring_->receive_multishot(peer.descriptor, token);
  }
}

void SideLoad::on_completion(const Completion& completion) {
  Peer& peer = peers_[completion.token.id()];
  if (completion.op == Op::kSend) {
    peer.sending = false;
    if (completion.result > 0) peer.sent += static_cast<size_t>(completion.result);
    if (peer.closing) {
      end_close(peer);
    } else if (completion.result <= 0) {
      fail(peer, fmt::format("the connection broke: {}", std::strerror(-completion.result)));
    } else if (peer.kind != Kind::kSlowSender && peer.sent < peer.request.size()) {
      send_more(peer);
    }
    return;
  }
  peer.receiving = completion.more;
  if (completion.result > 0) {
    const char* const data = completion.op == Op::kReceiveInto ? peer.piece.data() : completion.data;
    if (!peer.closing) on_bytes(peer, {data, static_cast<size_t>(completion.result)});
    if (completion.op == Op::kReceive) ring_->give_back(completion.buffer);
  }
  if (peer.generation != completion.token.generation()) return;
  if (peer.closing) {
    end_close(peer);
  } else if (completion.result <= 0 && completion.result != -ENOBUFS && completion.result != -EAGAIN) {
    if (peer.kind == Kind::kIdle) {
      ++stats_.idle_closed;
      begin_close(peer);
    } else if (peer.working) {
      fail(peer, "the server closed the connection before its answer");
    } else {
      begin_close(peer);
    }
  } else if (!peer.receiving && peer.kind != Kind::kSlowReader) {
    // All buffers have been given back by now: they are never held here.
    read_more(peer);
  }
}

void SideLoad::on_bytes(Peer& peer, std::string_view bytes) {
  while (!bytes.empty() && !peer.closing) {
    const ResponseReader::Step step = peer.reader->feed(bytes);
    if (step == ResponseReader::Step::kMore) return;
    if (step == ResponseReader::Step::kError || !peer.working) {
      fail(peer, "the server sent something that is not an answer");
      return;
    }
    on_done(peer, monotonic_ns());
  }
}

void SideLoad::on_done(Peer& peer, int64_t now) {
  const int status = peer.reader->status();
  if (status != 200 && status != 202) {
    fail(peer, fmt::format("status {}", status));
    return;
  }
  peer.working = false;
  switch (peer.kind) {
    case Kind::kSlowSender:
      ++stats_.slow_pushes;
      break;
    case Kind::kScraper:
      ++stats_.scrapes;
      stats_.scrape_latency.record(now - peer.started_ns);
      stats_.first_byte.record(peer.first_byte_ns - peer.started_ns);
      peer.due_ns = now + options_.side.scrape_interval.count();
      break;
    case Kind::kSlowReader:
      ++stats_.slow_scrapes;
      break;
    case Kind::kIdle:
      break;
  }
  if (peer.reader->closes()) begin_close(peer);
}

void SideLoad::fail(Peer& peer, const std::string& why) {
  ++stats_.failed;
  if (stats_.first_failure.empty()) stats_.first_failure = why;
  peer.due_ns = monotonic_ns() + kRetryNs;
  begin_close(peer);
}

void SideLoad::begin_close(Peer& peer) {
  peer.working = false;
  if (peer.descriptor < 0 || peer.closing) return;
  peer.closing = true;
  const Token token = Token::make(0, peer.index, peer.generation);
  const Op op = peer.kind == Kind::kSlowReader ? Op::kReceiveInto : Op::kReceive;
  if (peer.receiving) ring_->cancel(peer.descriptor, op, token);
  if (peer.sending) ring_->cancel(peer.descriptor, Op::kSend, token);
  end_close(peer);
}

void SideLoad::end_close(Peer& peer) {
  if (peer.receiving || peer.sending || peer.descriptor < 0) return;
  ring_->close(peer.descriptor);
  peer.descriptor = -1;
  ++peer.generation;
  peer.closing = false;
  peer.reader->restart();
}

}  // namespace sluice::tools::load
