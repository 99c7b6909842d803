#include "net/tls/session.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/base/check.h"
#include "net/tls/client_names.h"

namespace sluice::net::tls {
namespace {

// Room that a session keeps between two receives.
constexpr size_t kKeptBytes = 4 * 1024;

Session& session_of(BIO* bio) { return *static_cast<Session*>(BIO_get_data(bio)); }

int bio_write(BIO* bio, const char* data, size_t bytes, size_t* written) {
  session_of(bio).add_to_send({data, bytes});
  *written = bytes;
  return 1;
}

int bio_read(BIO* bio, char* room, size_t bytes, size_t* taken) {
  BIO_clear_retry_flags(bio);
  *taken = session_of(bio).take_received(room, bytes);
  if (*taken != 0) return 1;
  BIO_set_retry_read(bio);
  return 0;
}

// What OpenSSL asks of a BIO for kTLS; its headers give the numbers in a comment, for other providers of a transport.
constexpr int kSetKtls = 72;
constexpr int kSetRecordType = 74;
constexpr int kClearRecordType = 75;

long bio_control(BIO* bio, int command, long number, void* pointer) {
  switch (command) {
    case BIO_CTRL_FLUSH:
      return 1;
    case kSetKtls:
      return number != 0 && session_of(bio).hand_over(pointer) ? 1 : 0;
    case BIO_CTRL_GET_KTLS_SEND:
      return session_of(bio).kernel_seals() ? 1 : 0;
    case kSetRecordType:
      session_of(bio).set_record_type(static_cast<uint8_t>(number));
      return 0;
    case kClearRecordType:
      session_of(bio).set_record_type(0);
      return 0;
    default:
      return 0;
  }
}

// What SSL_get_error() needs before a call; clearing a queue that is empty costs as much as copying a small record.
void forget_errors() noexcept {
  if (ERR_peek_error() != 0) ERR_clear_error();
}

// Both directions of a session as OpenSSL sees them.
const BIO_METHOD* bio_method() {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "sluice session");
    SLUICE_CHECK(made != nullptr);
    BIO_meth_set_write_ex(made, bio_write);
    BIO_meth_set_read_ex(made, bio_read);
    BIO_meth_set_ctrl(made, bio_control);
    return made;
  }();
  return method;
}

}  // namespace

std::unique_ptr<Session> Session::make(std::shared_ptr<const Context> context, const KernelTls* kernel) {
  std::unique_ptr<Session> session(new Session(std::move(context), kernel));
  session->ssl_.reset(SSL_new(session->context_->openssl()));
  BIO* const bio = session->ssl_ ? BIO_new(bio_method()) : nullptr;
  if (bio == nullptr) {
    ERR_clear_error();
    return nullptr;
  }
  BIO_set_data(bio, session.get());
  BIO_set_init(bio, 1);
  SSL_set_bio(session->ssl_.get(), bio, bio);  // owns it
  SSL_set_accept_state(session->ssl_.get());
  if (kernel != nullptr) SSL_set_options(session->ssl_.get(), SSL_OP_ENABLE_KTLS);
  return session;
}

Session::~Session() = default;

size_t Session::take_received(char* room, size_t bytes) noexcept {
  const size_t count = std::min(bytes, in_.size() - in_used_);
  std::memcpy(room, in_.data() + in_used_, count);
  in_used_ += count;
  if (in_used_ == in_.size()) {
    in_.clear();
    in_used_ = 0;
    if (in_.capacity() > kKeptBytes) in_.shrink_to_fit();
  }
  return count;
}

void Session::add_to_send(std::string_view bytes) {
  if (const uint8_t type = std::exchange(record_type_, 0); type != 0 && !bytes.empty()) {
    marks_.push_back({out_.size(), type, bytes.size()});
  }
  out_ += bytes;
}

bool Session::hand_over(const void* crypto_info) {
  // A second key is that of a change.
  if (kernel_ == nullptr || key_given_) return false;
  const auto key = kernel_key(crypto_info, *kernel_);
  if (!key) return false;
  key_ = *key;
  key_given_ = true;
  marks_.push_back({.at = out_.size()});
  return true;
}

int Session::begin_kernel(int socket) {
  const int error = kernel_->begin_sending(socket, key_);
  key_ = {};
  kernel_has_key_ = error == 0;
  return error;
}

void Session::handshake() {
  SLUICE_DCHECK(state_ == State::kHandshake);
  begun_ = true;
  forget_errors();
  const int result = SSL_do_handshake(ssl_.get());
  if (result == 1) {
    state_ = State::kOpen;
    // A resumed session has the certificate of the one before, under the same rules for clients (its id context).
    const X509* const certificate = context_->verifies() ? SSL_get0_peer_certificate(ssl_.get()) : nullptr;
    if (certificate != nullptr) client_names_ = names_of(certificate);
  } else {
    judge(result);
  }
}

size_t Session::read(std::span<char> room) {
  if (state_ != State::kOpen || room.empty()) return 0;
  if (in_used_ == in_.size() && SSL_has_pending(ssl_.get()) == 0) return 0;
  forget_errors();
  size_t bytes = 0;
  const int result = SSL_read_ex(ssl_.get(), room.data(), room.size(), &bytes);
  if (result != 1) judge(result);
  if (key_given_ && SSL_get_key_update_type(ssl_.get()) != SSL_KEY_UPDATE_NONE) {
    state_ = State::kFailed;
    failure_ = "the peer asks for new keys, and the kernel keeps those it has";
  }
  return result == 1 ? bytes : 0;
}

void Session::write(std::string_view bytes) {
  if (bytes.empty() || (state_ != State::kOpen && state_ != State::kEnded)) return;
  forget_errors();
  size_t written = 0;
  const int result = SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &written);
  if (result == 1) {
    SLUICE_DCHECK(written == bytes.size());
    return;
  }
  judge(result);
  // Writing needs nothing from the peer, so there is no "later" for it.
  if (state_ != State::kFailed) failure_ = "write not possible";
  state_ = State::kFailed;
}

void Session::close_notify() {
  if (state_ != State::kOpen && state_ != State::kEnded) return;
  forget_errors();
  static_cast<void>(SSL_shutdown(ssl_.get()));
  forget_errors();
}

void Session::judge(int result) {
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
      break;
    case SSL_ERROR_ZERO_RETURN:
      state_ = State::kEnded;
      break;
    default:
      state_ = State::kFailed;
      failure_ = take_error();
      break;
  }
  forget_errors();
}

}  // namespace sluice::net::tls
