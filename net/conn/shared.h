// What the connections of one worker have in common.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "core/base/clock.h"
#include "core/base/limits.h"
#include "net/conn/body_buffer.h"
#include "net/conn/counters.h"
#include "net/conn/options.h"
#include "net/http/date.h"
#include "net/http/exchange.h"
#include "net/http/head_templates.h"
#include "net/http/response_head.h"
#include "net/loop/worker.h"
#include "net/tls/source.h"

namespace sluice::net::conn {

// Owner and thread: the worker's Connections, which outlive every connection.
class Shared {
 public:
  Shared(http::Handler& the_handler, const Options& the_options) noexcept
      : handler(the_handler), options(the_options), bodies(the_options.body_bytes_held_max) {}
  Shared(const Shared&) = delete;
  Shared& operator=(const Shared&) = delete;

  // The Date line; reads the wall clock once a second of the worker's clock.
  [[nodiscard]] std::string_view date_line() noexcept {
    if (worker->now_ns() >= date_until_ns_) {
      const int64_t wall = wall_ns();
      date_text_ = date_.at(wall);
      date_until_ns_ = worker->now_ns() + (1'000'000'000 - wall % 1'000'000'000);
    }
    return date_text_;
  }

  // The answer of nearly every push: 200 without fields and body, to HTTP/1.1, and the connection stays.
  [[nodiscard]] std::string_view empty_answer() {
    const std::string_view date = date_line();
    if (answer_until_ns_ != date_until_ns_) {
      empty_answer_.clear();
      http::append_response_head(empty_answer_, 200, {}, date, {});
      answer_until_ns_ = date_until_ns_;
    }
    return empty_answer_;
  }

  // Whether another request may be worked on here and now (`now_ns`: monotonic), or has to wait for a slice.
  // Completions of one turn have inline_ns together, a slice has its own deadline; the first request of either always
  // may.
  [[nodiscard]] bool may_work_inline(int64_t now_ns) noexcept {
    if (work_until_ns_ == 0) work_until_ns_ = now_ns + options.inline_ns;
    return now_ns < work_until_ns_ || std::exchange(first_of_slice_, false);
  }
  void begin_slice(Deadline deadline) noexcept {
    work_until_ns_ = deadline.at_ns;
    first_of_slice_ = in_slice_ = true;
  }
  // After a slice what follows in this turn has no time left; the next turn begins anew.
  void end_slice() noexcept { first_of_slice_ = in_slice_ = false; }
  // Whether a slice is under way, and not completions.
  [[nodiscard]] bool in_slice() const noexcept { return in_slice_; }
  void turn_ends() noexcept {
    work_until_ns_ = 0;
    ++turn_;
  }
  // Numbers turns.
  [[nodiscard]] uint64_t turn() const noexcept { return turn_; }

  // What a stream may hold as its next piece, beside one in flight. Readers may stop reading at any time, so many
  // streams get less each.
  [[nodiscard]] size_t stream_bytes() const noexcept {
    const size_t part = options.streams_bytes / (2 * std::max<size_t>(streams, 1));
    return std::min(options.stream_bytes, std::max(part, limits::kStreamBytesMin));
  }

  loop::Worker* worker = nullptr;              // set by the first call of the service
  tls::Source* tls = nullptr;                  // set before the first connection, or none: plaintext
  const tls::KernelTls* kernel_tls = nullptr;  // what seals what is sent over TCP, if anything but the session does
  http::Handler& handler;
  const Options options;
  Counters counters;
  uint64_t closing = 0;  // of the open ones: over but for their last operations
  BodyPool bodies;
  http::HeadTemplates heads;
  size_t streams = 0;  // answers that are being streamed

 private:
  http::DateLine date_;
  std::string_view date_text_;
  int64_t date_until_ns_ = INT64_MIN;
  std::string empty_answer_;
  int64_t answer_until_ns_ = INT64_MIN;  // what date_until_ns_ was when it was made
  int64_t work_until_ns_ = 0;
  uint64_t turn_ = 1;
  bool first_of_slice_ = false;
  bool in_slice_ = false;
};

}  // namespace sluice::net::conn
