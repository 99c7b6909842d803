// Reads HTTP/1.1 answers as they arrive: where each ends, its status, its body.
//
// One owner, one thread, for one connection at a time. A head that comes in one piece is read where it lies. Heads are
// limited to 64 KiB, bodies are not: they are handed on, not kept.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace sluice::tools::load {

class ResponseReader {
 public:
  enum class Step : uint8_t {
    kMore,   // all bytes were used and the answer is not complete
    kDone,   // an answer is complete; more bytes may be left
    kError,  // not HTTP/1.1: the connection is of no use any more
  };
  using BodySink = std::function<void(std::string_view)>;

  // Without a sink bodies are dropped.
  explicit ResponseReader(BodySink sink = {}) : sink_(std::move(sink)) {}

  // Takes bytes off the front of `bytes`, up to the end of one answer.
  [[nodiscard]] Step feed(std::string_view& bytes);
  // The peer has closed: kDone when that ends an answer, kError in the middle of one, kMore between two.
  [[nodiscard]] Step closed();
  // Forgets everything, for a new connection.
  void restart() noexcept;

  // Of the answer that is complete or whose head is.
  [[nodiscard]] int status() const noexcept { return status_; }
  [[nodiscard]] bool closes() const noexcept { return closes_; }
  [[nodiscard]] bool begun() const noexcept { return state_ != State::kHead || !kept_.empty(); }

 private:
  enum class State : uint8_t { kHead, kLength, kChunkSize, kChunk, kChunkEnd, kTrailer, kUntilClose };

  [[nodiscard]] Step take_head(std::string_view& bytes);
  [[nodiscard]] Step read_head(std::string_view head);
  [[nodiscard]] Step take_body(std::string_view& bytes);
  [[nodiscard]] bool take_line(std::string_view& bytes);
  void hand_on(std::string_view& bytes);

  BodySink sink_;
  State state_ = State::kHead;
  int status_ = 0;
  bool closes_ = false;
  uint64_t left_ = 0;  // bytes of the body or chunk
  std::string kept_;   // of a head or line that came in pieces
};

}  // namespace sluice::tools::load
