// Answers, and the ends of connections.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "net/ring/token.h"
#include "tools/load/loader.h"

namespace sluice::tools::load {

using net::ring::Completion;
using net::ring::Next;
using net::ring::Op;

void Loader::on_completion(const Completion& completion) {
  const uint32_t index = completion.token.id();
  SLUICE_DCHECK(completion.token.generation() == connections_[index].generation);
  if (completion.op == Op::kSend) {
    on_sent(index, completion);
  } else {
    on_received(index, completion);
  }
}

void Loader::on_sent(uint32_t index, const Completion& completion) {
  Connection& connection = connections_[index];
  connection.sending = false;
  if (completion.result > 0) {
    stats_.bytes_sent += static_cast<uint64_t>(completion.result);
    connection.in_send_at += static_cast<size_t>(completion.result);
  }
  if (connection.closing) {
    end_close(index);
  } else if (completion.result <= 0) {
    break_connection(index, fmt::format("the connection broke: {}", std::strerror(-completion.result)),
                     &LoadStats::broken);
  } else if (connection.in_send_at < connection.in_send.size() || !connection.out.empty()) {
    start_send(index);
  }
}

void Loader::on_received(uint32_t index, const Completion& completion) {
  Connection& connection = connections_[index];
  connection.receiving = completion.more;
  if (completion.result > 0) {
    stats_.bytes_received += static_cast<uint64_t>(completion.result);
    if (!connection.closing) {
      read_answers(index, {completion.data, static_cast<size_t>(completion.result)});
    }
    ring_->give_back(completion.buffer);
  }
  if (connection.generation != completion.token.generation()) return;  // it has ended meanwhile
  if (connection.closing) {
    end_close(index);
    return;
  }
  switch (net::ring::next_of(completion)) {
    case Next::kKeep:
      return;
    case Next::kRearm:
      connection.receiving = true;
      ring_->receive_multishot(connection.descriptor, completion.token);
      return;
    case Next::kPark:
      parked_.push_back(index);
      return;
    case Next::kClosed:
      break;
  }
  if (connection.reader.closed() == ResponseReader::Step::kDone) on_answer(index, monotonic_ns());
  if (connection.descriptor < 0 || connection.closing) {
    // The last answer has ended it already.
  } else if (connection.outstanding.empty()) {
    begin_close(index);
  } else {
    break_connection(index,
                     completion.result == 0
                         ? std::string("the server closed the connection before its answer")
                         : fmt::format("the connection broke: {}", std::strerror(-completion.result)),
                     &LoadStats::broken);
  }
}

void Loader::read_answers(uint32_t index, std::string_view bytes) {
  Connection& connection = connections_[index];
  const int64_t now = monotonic_ns();
  while (!bytes.empty() && !connection.closing) {
    const ResponseReader::Step step = connection.reader.feed(bytes);
    if (step == ResponseReader::Step::kMore) return;
    if (step == ResponseReader::Step::kError || connection.outstanding.empty()) {
      break_connection(index, "the server sent something that is not an answer", &LoadStats::broken);
      return;
    }
    on_answer(index, now);
  }
}

void Loader::on_answer(uint32_t index, int64_t now) {
  Connection& connection = connections_[index];
  if (connection.outstanding.empty()) return;
  const Outstanding outstanding = connection.outstanding.front();
  connection.outstanding.pop_front();
  connection.answered = true;
  --in_flight_;
  const Request& request = outstanding.request;
  const int status = connection.reader.status();
  ++stats_.statuses[static_cast<size_t>(std::min(status, 599))];
  const bool bad = Requests::is_bad(request);
  // 202 comes from a gateway whose consistency check is off.
  if (bad ? status == 400 : status == 200 || status == 202) {
    requests_.acknowledged(request);
    uint64_t& counter = bad                                  ? stats_.refused_as_expected
                        : request.kind == RequestKind::kPush ? stats_.pushes_acknowledged
                                                             : stats_.deletes_acknowledged;
    ++counter;
    ++progress_.answered;
    const int64_t latency = now - outstanding.planned_ns;
    if (phase_ != Phase::kFill) {
      stats_.timeline.record(now - start_ns_, latency);
      progress_.latency.record(latency);
    }
    if (outstanding.measured) {
      stats_.latency.record(latency);
      if (!options_.latencies_file.empty()) stats_.rows.record(outstanding.planned_ns, latency);
      ++stats_.measured;
      stats_.last_ns = std::max(stats_.last_ns, now);
    }
  } else {
    count_wrong(connection, outstanding, now);
  }
  connection.answer.clear();
  if (options_.connection_per_push || connection.reader.closes()) {
    begin_close(index);
  } else {
    make_ready(index, now);
  }
}

// An answer that should not have been. A 4xx has changed nothing; what a 5xx did nobody knows.
void Loader::count_wrong(Connection& connection, const Outstanding& outstanding, int64_t now) {
  const int status = connection.reader.status();
  if (status >= 400 && status < 500) {
    requests_.refused(outstanding.request);
  } else {
    requests_.unknown(outstanding.request);
  }
  ++stats_.wrong_status;
  ++progress_.failed;
  if (outstanding.measured) ++stats_.failed;
  if (phase_ != Phase::kFill) stats_.timeline.record_failure(now - start_ns_);
  note_failure(fmt::format("status {}: {}", status, connection.answer.substr(0, connection.answer.find('\n'))));
}

void Loader::note_failure(const std::string& what) {
  if (stats_.first_failure.empty()) stats_.first_failure = what;
}

// Everything in flight on it is lost; nobody knows what of it was done.
void Loader::break_connection(uint32_t index, const std::string& why, uint64_t LoadStats::* counter) {
  Connection& connection = connections_[index];
  for (const Outstanding& outstanding : connection.outstanding) {
    requests_.unknown(outstanding.request);
    ++(stats_.*counter);
    ++progress_.failed;
    if (outstanding.measured) ++stats_.failed;
    if (phase_ != Phase::kFill) stats_.timeline.record_failure(monotonic_ns() - start_ns_);
  }
  if (!connection.outstanding.empty()) note_failure(why);
  if (!connection.answered) connection.retry_at_ns = monotonic_ns() + Connection::kRetryNs;
  in_flight_ -= connection.outstanding.size();
  connection.outstanding.clear();
  begin_close(index);
}

void Loader::begin_close(uint32_t index) {
  Connection& connection = connections_[index];
  if (connection.descriptor < 0) {
    connection.out.clear();
    return;
  }
  if (connection.closing) return;
  connection.closing = true;
  const net::ring::Token token = net::ring::Token::make(0, index, connection.generation);
  if (connection.receiving) ring_->cancel(connection.descriptor, Op::kReceive, token);
  if (connection.sending) ring_->cancel(connection.descriptor, Op::kSend, token);
  end_close(index);
}

void Loader::end_close(uint32_t index) {
  Connection& connection = connections_[index];
  if (connection.receiving || connection.sending || connection.descriptor < 0) return;
  ring_->close(connection.descriptor);
  connection.descriptor = -1;
  ++connection.generation;
  connection.closing = false;
  connection.out.clear();
  connection.in_send.clear();
  connection.in_send_at = 0;
  connection.answer.clear();
  connection.reader.restart();
  make_ready(index, monotonic_ns());
}

}  // namespace sluice::tools::load
