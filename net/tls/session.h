// The TLS of one connection: ciphertext in and out as bytes, no socket. The connection hands over what it received,
// reads plaintext, and sends what this has to send.
//
// A handshake costs a signature, 50 us with an ECDSA key and 0.5 to 4 ms with an RSA one, in one piece; the caller
// decides when. Everything else takes a few microseconds per 16 KiB.
//
// Thread: the connection's. Lifetime: one connection; keeps its Context. Bounded: holds at most one incomplete record
// (16 KiB) and what was received but not yet read.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "net/tls/context.h"
#include "net/tls/kernel_tls.h"
#include "net/tls/openssl.h"

namespace sluice::net::tls {

// A place in what a session has to send where more than the next bytes is to be done, with kTLS.
struct SendMark {
  static constexpr uint8_t kKey = 0;
  size_t at = 0;
  uint8_t record_type = kKey;  // kKey: begin_kernel() when what is before has been sent; else a record of this type
  size_t bytes = 0;            // of that record
};

class Session {
 public:
  enum class State : uint8_t {
    kHandshake,
    kOpen,
    kEnded,   // the peer has said that it sends no more
    kFailed,  // nothing can be read or written; what to_send() has is the alert
  };

  // nullptr: no memory. With a `kernel` it seals what is sent, if the two sides agree on something that it takes.
  [[nodiscard]] static std::unique_ptr<Session> make(std::shared_ptr<const Context> context,
                                                     const KernelTls* kernel = nullptr);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session();

  [[nodiscard]] State state() const noexcept { return state_; }
  // Bytes from the peer; copied.
  void receive(std::string_view bytes) { in_ += bytes; }
  // What the handshake has not taken yet.
  [[nodiscard]] std::string_view received() const noexcept { return std::string_view(in_).substr(in_used_); }

  // In kHandshake: goes on as far as what was received allows.
  void handshake();
  [[nodiscard]] bool begun() const noexcept { return begun_; }
  // In kOpen: plaintext into `room`; 0: there is none now (or no longer: state()).
  [[nodiscard]] size_t read(std::span<char> room);
  // In kOpen and kEnded: `bytes` become records behind what to_send() holds.
  void write(std::string_view bytes);
  // Tells the peer that nothing follows. No effect unless kOpen or kEnded.
  void close_notify();

  // From kOpen on: the names in the client's certificate, if one came and was verified; else none.
  [[nodiscard]] std::span<const std::string> client_names() const noexcept { return client_names_; }

  // Bytes for the peer: the caller takes them by emptying it.
  [[nodiscard]] std::string& to_send() noexcept { return out_; }
  // Places in to_send(), in order; to be taken with it. What is there behind that of the key is plaintext.
  [[nodiscard]] std::vector<SendMark>& send_marks() noexcept { return marks_; }
  // Whether what is written is for the kernel to seal, now or behind the mark of the key.
  [[nodiscard]] bool kernel_seals() const noexcept { return key_given_; }
  // At the mark of the key. 0 or a negative errno: then nothing more may be sent.
  [[nodiscard]] int begin_kernel(int socket);
  // Whether it has the key: write() would add nothing to its bytes.
  [[nodiscard]] bool kernel_has_key() const noexcept { return kernel_has_key_; }
  // Why it failed, in OpenSSL's words.
  [[nodiscard]] const std::string& failure() const noexcept { return failure_; }

  // For the BIO.
  [[nodiscard]] size_t take_received(char* room, size_t bytes) noexcept;
  void add_to_send(std::string_view bytes);
  // False: OpenSSL seals.
  [[nodiscard]] bool hand_over(const void* crypto_info);
  // Of the next bytes to send.
  void set_record_type(uint8_t type) noexcept { record_type_ = type; }

 private:
  Session(std::shared_ptr<const Context> context, const KernelTls* kernel)
      : context_(std::move(context)), kernel_(kernel) {}
  // Of a call that returned `result`, which was not success: sets the state.
  void judge(int result);

  std::shared_ptr<const Context> context_;
  std::string in_;
  size_t in_used_ = 0;
  std::string out_;
  const KernelTls* const kernel_;
  KernelKey key_;
  bool key_given_ = false;
  bool kernel_has_key_ = false;
  uint8_t record_type_ = 0;  // 0: data
  std::vector<SendMark> marks_;
  State state_ = State::kHandshake;
  std::vector<std::string> client_names_;
  bool begun_ = false;  // handshake() was called
  std::string failure_;
  SslPtr ssl_;
};

}  // namespace sluice::net::tls
