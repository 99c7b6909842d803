#include "net/conn/outbox.h"

#include <algorithm>
#include <utility>

#include "core/base/check.h"
#include "core/base/give_back.h"

namespace sluice::net::conn {

namespace {
// Answers to pushes take 100 bytes; a pipeline of them, or a small page, is kept room for.
constexpr size_t kKeptBytes = 8 * 1024;
}  // namespace

bool Outbox::flush(ring::Ring& ring, int socket, ring::Token token, size_t piece_bytes) {
  if (in_flight_) return false;
  if (session_ != nullptr) {
    seal();
  } else {
    std::swap(pending_, sending_);
    pending_.clear();
  }
  if (sending_.empty()) return false;
  sent_ = 0;
  in_flight_ = true;
  ring.send(socket, sending_.data(), std::min(sending_.size(), piece_bytes), token);
  return true;
}

// What is pending, as records, becomes what is to be sent.
void Outbox::seal() {
  session_->write(pending_);
  pending_.clear();
  if (std::exchange(ending_, false)) session_->close_notify();
  std::swap(session_->to_send(), sending_);
  session_->to_send().clear();
}

bool Outbox::on_sent(size_t bytes, ring::Ring& ring, int socket, ring::Token token, size_t piece_bytes) {
  SLUICE_CHECK(in_flight_ && sent_ + bytes <= sending_.size());
  sent_ += bytes;
  if (sent_ < sending_.size()) {
    ring.send(socket, sending_.data() + sent_, std::min(sending_.size() - sent_, piece_bytes), token);
    return true;
  }
  in_flight_ = false;
  sending_.clear();
  return false;
}

void Outbox::trim() noexcept {
  if (pending_.empty()) give_back_above(pending_, kKeptBytes);
  if (!in_flight_) give_back_above(sending_, kKeptBytes);
  if (session_ != nullptr && session_->to_send().empty()) give_back_above(session_->to_send(), kKeptBytes);
}

void Outbox::reset() noexcept {
  SLUICE_CHECK(!in_flight_);
  pending_.clear();
  sending_.clear();
  sent_ = 0;
  session_ = nullptr;
  ending_ = false;
  trim();
}

}  // namespace sluice::net::conn
