#include "net/api/logged_service.h"

#include <algorithm>

#include "net/ring/ring.h"

namespace sluice::net::api {
namespace {

// The highest that owners may use: connections count from below.
constexpr uint8_t kSyncKind = ring::Token::kOwnerKindsEnd - 1;
// How often a log that has failed is looked at while nothing else happens.
constexpr int64_t kMendNs = 100'000'000;

}  // namespace

void LoggedService::on_start(loop::Worker& worker) {
  worker_ = &worker;
  inner_->on_start(worker);
}

void LoggedService::on_completion(const ring::Completion& completion) {
  if (completion.token.kind() != kSyncKind) return inner_->on_completion(completion);
  log_.sync_done(completion.result < 0 ? -completion.result : 0, monotonic_ns());
  work(worker_->now_ns());
}

void LoggedService::before_slices(int64_t now_ns) { work(now_ns); }

void LoggedService::on_turn(int64_t now_ns) {
  inner_->on_turn(now_ns);
  work(now_ns);
}

void LoggedService::work(int64_t now_ns) {
  log_.flush();
  if (wal::File* const file = log_.wants_sync(now_ns)) {
    log_.sync_started(monotonic_ns());
    worker_->ring().fdatasync(file->descriptor(), ring::Token::make(kSyncKind, 0, 0));
  }
  const int64_t next_ns = log_.failed() ? now_ns + kMendNs : log_.next_sync_ns();
  if (next_ns == INT64_MAX) {
    if (timer_.armed()) worker_->disarm(timer_);
  } else if (!timer_.armed() || (!log_.failed() && timer_.deadline_ns() != next_ns)) {
    worker_->arm(timer_, next_ns);
  }
}

void LoggedService::on_end() {
  if (timer_.armed()) worker_->disarm(timer_);
  // A sync that is in flight completes nowhere: the end syncs again.
  log_.forget_sync();
  inner_->on_end();
}

}  // namespace sluice::net::api
