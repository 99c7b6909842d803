// What the workers of a group share: for each a mailbox, and figures that one worker writes and all may read.
//
// Threads: named at each member. Lifetime: the group's; it outlives every worker's thread.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/sync/mailbox.h"
#include "core/sync/padded_counter.h"
#include "core/sync/single_writer.h"
#include "net/loop/service.h"
#include "net/loop/turn_times.h"
#include "net/ring/ring.h"

namespace sluice::net::loop {

// From another worker, or from whoever asks for a stop. Made with new by the sender, deleted by the receiver. Their
// number is bounded by what the receiver may have of connections: a sender counts its messages as connections of the
// receiver. Help is asked for only of who waits in the kernel, which the first message ends.
struct Message : sync::Mail {
  enum class Kind : uint8_t { kConnection, kStop, kHelp };
  Kind kind = Kind::kStop;
  uint32_t sender = 0;       // kConnection: the worker that accepted it
  NewConnection connection;  // kConnection
};

// One worker as the others see it.
struct Peer {
  explicit Peer(uint32_t workers)
      : mailbox([](void* peer) { static_cast<Peer*>(peer)->ring->wake(); }, this), received_from(workers) {}

  sync::Mailbox<Message> mailbox;                           // anybody posts, the worker takes
  ring::Ring* ring = nullptr;                               // set before the workers begin; others call wake() only
  sync::SingleWriter<uint64_t> connections;                 // written by the worker
  sync::SingleWriter<uint64_t> waits;                       // 1 while it waits in the kernel; likewise
  sync::SingleWriter<uint64_t> refused;                     // connections closed at once, at the limit; likewise
  sync::SingleWriter<uint64_t> handed_on;                   // connections given to other workers; likewise
  TurnTimes times;                                          // likewise
  std::vector<sync::SingleWriter<uint64_t>> received_from;  // messages taken, for each sender; likewise
};

struct Shared {
  explicit Shared(uint32_t workers) : hands_on_no_more(workers) {
    for (uint32_t i = 0; i < workers; ++i) peers.push_back(std::make_unique<Peer>(workers));
  }
  [[nodiscard]] uint32_t workers() const noexcept { return static_cast<uint32_t>(peers.size()); }

  std::vector<std::unique_ptr<Peer>> peers;
  // Each stopping worker adds 1 to its cell behind its last post. Who reads the full sum finds every message in its
  // mailbox, and may end.
  sync::PaddedCounter hands_on_no_more;
};

}  // namespace sluice::net::loop
