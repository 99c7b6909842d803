// Connections and the requests on them.
#include <fmt/format.h>

#include <cstring>

#include "core/base/clock.h"
#include "net/ring/token.h"
#include "tools/load/loader.h"

namespace sluice::tools::load {

bool Loader::has_room(const Connection& connection) const noexcept {
  return !connection.closing && connection.outstanding.size() < options_.pipeline;
}

// Puts a connection that has room in line, once.
void Loader::make_ready(uint32_t index, int64_t now) {
  Connection& connection = connections_[index];
  if (connection.queued || !has_room(connection)) return;
  if (now < connection.retry_at_ns) {
    waiting_.push_back(index);
    return;
  }
  connection.queued = true;
  connection.room_since_ns = now;
  ready_.push_back(index);
}

// False when the connection could not be made; the request is then counted as failed.
bool Loader::send_request(uint32_t index, const Request& request, int64_t planned, int64_t now) {
  Connection& connection = connections_[index];
  const bool measured = phase_ == Phase::kRun && in_window(planned);
  measured_sent_ += measured ? 1 : 0;
  connection.outstanding.push_back({request, planned, now, measured});
  ++in_flight_;
  ++stats_.sent;
  if (measured && planned < stats_.first_ns) stats_.first_ns = planned;
  if (connection.descriptor < 0 && !open(index)) return false;
  requests_.write(request, connection.out);
  if (!connection.dirty && !connection.sending) {
    connection.dirty = true;
    dirty_.push_back(index);
  }
  return true;
}

bool Loader::open(uint32_t index) {
  Connection& connection = connections_[index];
  connection.answered = false;
  const SocketAddress* source = nullptr;
  if (!options_.sources.empty()) source = &options_.sources[source_next_++ % options_.sources.size()];
  const int descriptor = begin_connect(options_.target, source);
  if (descriptor < 0) {
    break_connection(index, fmt::format("cannot connect: {}", std::strerror(-descriptor)), &LoadStats::broken);
    return false;
  }
  ++stats_.connections_opened;
  ring_->adopt(descriptor);
  connection.descriptor = descriptor;
  connection.receiving = true;
  ring_->receive_multishot(descriptor, net::ring::Token::make(0, index, connection.generation));
  return true;
}

void Loader::flush() {
  for (const uint32_t index : dirty_) {
    Connection& connection = connections_[index];
    connection.dirty = false;
    if (connection.descriptor >= 0 && !connection.closing && !connection.sending) start_send(index);
  }
  dirty_.clear();
}

void Loader::start_send(uint32_t index) {
  Connection& connection = connections_[index];
  if (connection.in_send_at == connection.in_send.size()) {
    connection.in_send.swap(connection.out);
    connection.out.clear();
    connection.in_send_at = 0;
    if (connection.in_send.empty()) return;
  }
  connection.sending = true;
  ring_->send(connection.descriptor, connection.in_send.data() + connection.in_send_at,
              connection.in_send.size() - connection.in_send_at,
              net::ring::Token::make(0, index, connection.generation));
}

}  // namespace sluice::tools::load
