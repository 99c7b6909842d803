#include "net/conn/outbox.h"

#include <linux/tls.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <utility>

#include "core/base/check.h"
#include "core/base/give_back.h"

namespace sluice::net::conn {

namespace {
// Answers to pushes take 100 bytes; a pipeline of them, or a small page, is kept room for.
constexpr size_t kKeptBytes = 8 * 1024;
}  // namespace

struct Outbox::Message {
  msghdr header{};
  iovec part{};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(1)> control{};
};

Outbox::Outbox() noexcept = default;
Outbox::~Outbox() = default;

bool Outbox::flush(ring::Ring& ring, int socket, ring::Token token, size_t piece_bytes) {
  if (in_flight_ || broken_) return false;
  if (session_ != nullptr) {
    seal();
  } else {
    std::swap(pending_, sending_);
    pending_.clear();
  }
  sent_ = 0;
  return submit(ring, socket, token, piece_bytes);
}

// What is pending, as records, becomes what is to be sent. What the kernel seals stays as it is.
void Outbox::seal() {
  if (!ending_ && session_->kernel_has_key() && session_->to_send().empty() &&
      session_->state() != tls::Session::State::kFailed) {
    std::swap(pending_, sending_);
    pending_.clear();
    return;
  }
  session_->write(pending_);
  pending_.clear();
  if (std::exchange(ending_, false)) session_->close_notify();
  std::swap(session_->to_send(), sending_);
  session_->to_send().clear();
  std::swap(session_->send_marks(), marks_);
  session_->send_marks().clear();
}

bool Outbox::submit(ring::Ring& ring, int socket, ring::Token token, size_t piece_bytes) {
  while (!marks_.empty() && marks_.front().at == sent_) {
    const tls::SendMark mark = marks_.front();
    if (mark.record_type == tls::SendMark::kKey) {
      marks_.erase(marks_.begin());
      if (session_->begin_kernel(socket) == 0) continue;
      broken_ = true;
      sending_.clear();
      marks_.clear();
      return false;
    }
    if (message_ == nullptr) message_ = std::make_unique<Message>();
    Message& message = *message_;
    message.part = {sending_.data() + sent_, mark.bytes};
    message.header = {};
    message.header.msg_iov = &message.part;
    message.header.msg_iovlen = 1;
    message.header.msg_control = message.control.data();
    message.header.msg_controllen = message.control.size();
    cmsghdr* const control = CMSG_FIRSTHDR(&message.header);
    control->cmsg_level = SOL_TLS;
    control->cmsg_type = TLS_SET_RECORD_TYPE;
    control->cmsg_len = CMSG_LEN(1);
    *CMSG_DATA(control) = mark.record_type;
    in_flight_ = true;
    ring.send_message(socket, message.header, token);
    return true;
  }
  const size_t end = marks_.empty() ? sending_.size() : marks_.front().at;
  if (sent_ == end) return false;
  in_flight_ = true;
  ring.send(socket, sending_.data() + sent_, std::min(end - sent_, piece_bytes), token);
  return true;
}

bool Outbox::on_sent(size_t bytes, ring::Ring& ring, int socket, ring::Token token, size_t piece_bytes) {
  SLUICE_CHECK(in_flight_ && sent_ + bytes <= sending_.size());
  if (!marks_.empty() && marks_.front().at == sent_) {
    // A part of a record that is no data; the rest is one of the same type.
    tls::SendMark& mark = marks_.front();
    SLUICE_CHECK(bytes <= mark.bytes);
    mark.at += bytes;
    mark.bytes -= bytes;
    if (mark.bytes == 0) marks_.erase(marks_.begin());
  }
  sent_ += bytes;
  in_flight_ = false;
  if (submit(ring, socket, token, piece_bytes)) return true;
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
  marks_.clear();
  broken_ = false;
  session_ = nullptr;
  ending_ = false;
  trim();
}

}  // namespace sluice::net::conn
