// HTTP/1.x requests out of a stream of bytes: llhttp behind a small adapter.
//
// Push bytes in; parse_head() says whether a head is complete, malformed or needs more, read_chunked() takes the
// chunked body apart. A body with a length needs no parser: the connection counts it and calls parse_head() again after
// it.
//
// The adapter closes the gap between strict llhttp (every lenient flag off) and Go's server: what llhttp would let
// through and must not pass is refused by FieldRules and parse_request_line(), which judge every head; what llhttp
// refuses and clients send goes through head_repair. The verdict is a function of the bytes alone: not of where the
// stream was cut, not of llhttp's version (8.1 and 9.x), and not of what came before: a head that repeats the fields of
// an earlier one gets the verdict from a template of those, and llhttp sees nothing of it.
//
// Owner: one connection, one thread. Memory: nothing is allocated for a head that arrives in one piece; a head that is
// split is copied into a buffer of at most kHeadBytesMax bytes plus one receive buffer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "core/base/limits.h"
#include "net/http/ascii.h"
#include "net/http/exchange.h"
#include "net/http/field_rules.h"
#include "net/http/head_templates.h"
#include "net/http/status.h"

namespace sluice::net::http {

// The name of a trailer field that may come in pieces: as much of it as it takes to recognise the short ones.
class NamePrefix {
 public:
  void append(std::string_view piece) noexcept {
    const size_t count = piece.copy(bytes_ + used_, sizeof bytes_ - used_);
    used_ += count;
  }
  void clear() noexcept { used_ = 0; }
  [[nodiscard]] bool empty() const noexcept { return used_ == 0; }
  [[nodiscard]] bool is(std::string_view lower_case) const noexcept {
    return equals_ignoring_case({bytes_, used_}, lower_case);
  }

 private:
  char bytes_[24];
  size_t used_ = 0;
};

class RequestParser {
 public:
  RequestParser() noexcept;
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;

  enum class Event : uint8_t { kNeedMore, kHead, kRefused };
  struct HeadResult {
    Event event = Event::kNeedMore;
    size_t consumed = 0;    // bytes of this call's input; all of it for kNeedMore
    Refusal refusal;        // with kRefused
    bool repeated = false;  // with kHead: a template knew its fields
  };

  // Goes on with the head of the next request. With kHead, `request` holds the head (all but peer and body) and
  // `framing` the verdict. Its views point into `bytes`, or into the parser's own buffer when the head was split
  // (head_is_own()); they are valid as long as those bytes are, and until the next call of parse_head().
  [[nodiscard]] HeadResult parse_head(std::string_view bytes, Request& request, Framing& framing);

  // Part of a head is there: the end of the stream now is a 400, and a deadline a 408.
  [[nodiscard]] bool in_head() const noexcept { return !head_.empty() && !head_done_; }
  [[nodiscard]] bool head_is_own() const noexcept { return head_is_own_; }

  enum class ChunkEvent : uint8_t { kNeedMore, kDone, kRefused };
  struct ChunkResult {
    ChunkEvent event = ChunkEvent::kNeedMore;
    size_t consumed = 0;   // all of the input for kNeedMore
    std::span<char> data;  // with kRefused, what of this call's came before the fault
    Refusal refusal;       // with kRefused
  };

  // Goes on with the body of a head with framing.chunked. The data of the chunks is moved together in place: `data` is
  // a part of `bytes`, which this call may rearrange up to `consumed`. Chunk extensions and trailers are dropped; an
  // excess of them is refused, as in Go (where exactly may depend on the cuts, by the length of one chunk line).
  [[nodiscard]] ChunkResult read_chunked(std::span<char> bytes);

  // Gives back what a split head or a large one grew. Between requests.
  void trim() noexcept;
  // For a connection slot that is used again.
  void reset() noexcept;
  // Of request line and fields together, kHeadBytesMax at first; 431 above it, 414 when the request line alone is
  // longer. Between connections.
  void limit_heads(size_t bytes_max) noexcept { head_bytes_max_ = bytes_max; }
  // Where heads that repeat are known and remembered, for as long as this lives; at first, nowhere. Of this thread.
  void share_templates(HeadTemplates& templates) noexcept { templates_ = &templates; }

  // What chunk lines, extensions and trailers may weigh: so much for each chunk, and so much beyond that.
  static constexpr int64_t kChunkLineBytes = 16;
  static constexpr int64_t kChunkExcessBytes = 16 * 1024;

  // llhttp's callbacks; not for users.
  struct Callbacks;
  friend struct Callbacks;

 private:
  [[nodiscard]] size_t repeat_head(std::string_view bytes, Request& request, Framing& framing);
  [[nodiscard]] HeadResult parse_whole_head(std::string_view bytes, Request& request, Framing& framing);
  [[nodiscard]] HeadResult repair(std::string_view head, Request& request, Framing& framing);
  [[nodiscard]] HeadResult collect(std::string_view bytes, Request& request, Framing& framing);
  [[nodiscard]] Refusal judge_start(size_t from) noexcept;
  [[nodiscard]] Refusal judge_fast(std::string_view head, Request& request, Framing& framing);
  [[nodiscard]] HeadResult refuse_head(Refusal refusal) noexcept;
  void accept_head(const RequestLine& line, const Framing& framing, Request& request) noexcept;
  void forget_head() noexcept;
  void restart() noexcept;
  [[nodiscard]] bool has_folded_trailer(std::span<const char> consumed) const noexcept;

  // The state of llhttp (llhttp_t), kept opaque so that no other folder sees its header.
  alignas(8) std::byte llhttp_[128];
  size_t head_bytes_max_ = limits::kHeadBytesMax;
  HeadTemplates* templates_ = nullptr;
  std::string head_;              // what has arrived of a split head
  std::string strict_;            // scratch of the slow path
  size_t scanned_ = 0;            // of head_: no end of the head lies before it
  size_t line_ends_allowed_ = 0;  // before the next request
  int64_t excess_ = 0;            // of the current chunked body
  char last_of_chunks_ = 0;       // the byte that the last call of read_chunked() ended with
  NamePrefix trailer_name_;
  bool head_is_own_ = false;
  bool head_done_ = false;    // head_ belongs to a request that is out; dropped by the next parse_head()
  bool line_judged_ = false;  // the request line of head_ is well-formed
  // Of one call: what the callbacks write. Without request_ and in_chunks_ the slow path's head is shown to llhttp, and
  // only its verdict counts.
  Request* request_ = nullptr;
  bool in_chunks_ = false;
  std::string_view url_;
  bool folded_ = false;
  char* data_begin_ = nullptr;
  char* data_end_ = nullptr;
  const char* raw_end_ = nullptr;  // where the last piece of data ended before it was moved
  int64_t chunks_ = 0;
};

}  // namespace sluice::net::http
