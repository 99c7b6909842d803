#include "net/conn/connections.h"

#include <algorithm>

#include "core/base/check.h"
#include "core/base/hash.h"
#include "net/conn/peer_name.h"

namespace sluice::net::conn {

namespace {
// Slots beyond connections_max for connections that are being closed while their successors are already here.
constexpr uint32_t kClosingSlots = 64;
// When the table is full, this part of it is freed at once, if idle: room for more than the next connection.
constexpr uint32_t kPressurePart = 64;
}  // namespace

Connections::Connections(http::Handler& handler, const Options& options) : shared_(handler, options) {}

Connections::~Connections() = default;

void Connections::on_start(loop::Worker& worker) { shared_.worker = &worker; }

Connection* Connections::free_slot() {
  if (free_.empty()) {
    const auto slots = static_cast<uint32_t>(slabs_.size()) * kSlabSlots;
    if (slots >= shared_.worker->connections_max() + kClosingSlots || slots + kSlabSlots > ring::Token::kIdMax) {
      return nullptr;
    }
    slabs_.push_back(std::make_unique<Connection[]>(kSlabSlots));
    for (uint32_t i = kSlabSlots; i-- > 0;) {
      slabs_.back()[i].bind(shared_, *this, slots + i);
      free_.push_back(slots + i);
    }
  }
  const uint32_t index = free_.back();
  free_.pop_back();
  return &slabs_[index / kSlabSlots][index % kSlabSlots];
}

void Connections::on_connection(const loop::NewConnection& connection) {
  ++shared_.counters.accepted;
  sync::KeyedCounts::Hold hold;
  if (!hold_address(connection, hold)) {
    shared_.handler.on_limit(limits::Limit::kConnectionsPerAddress);
    return turn_away(connection);
  }
  Connection* slot = free_slot();
  if (slot == nullptr) {
    sync::KeyedCounts::remove(hold);
    return turn_away(connection);
  }
  ++shared_.counters.open;
  slot->address_hold = hold;
  slot->open(connection);
  // Now, and not at the end of the turn: it may be over, and if nobody sends anything no other follows.
  if (is_full()) relieve_pressure();
}

bool Connections::hold_address(const loop::NewConnection& connection, sync::KeyedCounts::Hold& hold) {
  const Options& options = shared_.options;
  if (options.addresses == nullptr || connection.unix_socket) return true;
  const std::string peer = peer_name(connection.socket, false);
  const uint64_t hash = keyed_hash(peer_address(peer));
  return options.addresses->add(hash, options.connections_per_address_max, hold);
}

void Connections::turn_away(const loop::NewConnection& connection) {
  ++shared_.counters.closed[static_cast<size_t>(CloseReason::kFull)];
  shared_.worker->ring().close(connection.socket);
  shared_.worker->connection_closed();
}

void Connections::on_completion(const ring::Completion& completion) {
  const uint32_t index = completion.token.id();
  SLUICE_CHECK(index < slabs_.size() * kSlabSlots);
  Connection& connection = slabs_[index / kSlabSlots][index % kSlabSlots];
  if (connection.generation() != completion.token.generation()) {
    // Cannot happen while slots wait for their last completion; dropped rather than given to another tenant.
    SLUICE_DCHECK(false);
    if (completion.buffer != ring::kNoBuffer) shared_.worker->ring().give_back(completion.buffer);
    return;
  }
  connection.on_completion(completion);
}

void Connections::on_turn(int64_t /*now_ns*/) {
  shared_.turn_ends();
  // One arm for each free buffer, the longest parked first.
  for (uint32_t buffers = shared_.worker->ring().buffers_free(); buffers > 0 && !parked_.empty(); --buffers) {
    Connection& connection = *parked_.front();
    parked_.remove(connection);
    connection.unpark();
  }
  if (is_full()) relieve_pressure();
  if (shared_.worker->stopping()) stop_idle();
}

// But for those that are on their way out.
bool Connections::is_full() const noexcept {
  return shared_.counters.open - shared_.closing >= shared_.worker->connections_max();
}

void Connections::relieve_pressure() {
  const uint32_t count = 1 + shared_.worker->connections_max() / kPressurePart;
  for (uint32_t i = 0; i < count && !idle_.empty(); ++i) {
    shared_.handler.on_limit(limits::Limit::kConnections);
    idle_.front()->cut(CloseReason::kPressure);
  }
}

template <typename Action>
void Connections::for_each_open(const Action& action) {
  for (const auto& slab : slabs_) {
    for (uint32_t i = 0; i < kSlabSlots; ++i) {
      if (slab[i].phase() != Connection::Phase::kFree) action(slab[i]);
    }
  }
}

void Connections::on_stop() { stop_turns_ = 0; }

void Connections::stop_idle() {
  // A receive may have taken a request whose completion is still to come: idle is who is idle after some turns.
  if (++stop_turns_ < kStopTurns) return;
  for_each_open([](Connection& connection) { connection.stop(); });
}

void Connections::on_abort() {
  for_each_open([](Connection& connection) { connection.cut(CloseReason::kStop); });
}

void Connections::on_end() {
  for_each_open([](Connection& connection) { connection.abandon(); });
}

void Connections::on_idle(Connection& connection) {
  idle_.remove(connection);
  idle_.append(connection);
}

void Connections::on_busy(Connection& connection) { idle_.remove(connection); }

void Connections::on_parked(Connection& connection) {
  if (!connection.parked_link.linked) parked_.append(connection);
}

void Connections::on_gone(Connection& connection) {
  idle_.remove(connection);
  parked_.remove(connection);
  sync::KeyedCounts::remove(connection.address_hold);
  --shared_.counters.open;
  free_.push_back(connection.index());
  shared_.worker->connection_closed();
}

}  // namespace sluice::net::conn
