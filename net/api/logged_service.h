// A worker's service with its log: what the requests of a turn changed is written before their answers are looked for,
// and synced through the worker's ring.
//
// Thread: the worker's.
#pragma once

#include <cstdint>
#include <memory>

#include "core/wal/log.h"
#include "net/loop/service.h"
#include "net/loop/timers.h"
#include "net/loop/worker.h"

namespace sluice::net::api {

class LoggedService final : public loop::Service {
 public:
  LoggedService(std::unique_ptr<loop::Service> inner, wal::Log& log)
      : inner_(std::move(inner)), log_(log), timer_(*this) {}

  void on_start(loop::Worker& worker) override;
  void on_connection(const loop::NewConnection& connection) override { inner_->on_connection(connection); }
  void on_completion(const ring::Completion& completion) override;
  void before_slices(int64_t now_ns) override;
  void on_turn(int64_t now_ns) override;
  void on_stop() override { inner_->on_stop(); }
  void on_abort() override { inner_->on_abort(); }
  void on_end() override;

 private:
  class SyncTimer final : public loop::Timer {
   public:
    explicit SyncTimer(LoggedService& service) : service_(service) {}
    void on_timer(int64_t now_ns) override { service_.work(now_ns); }

   private:
    LoggedService& service_;
  };

  void work(int64_t now_ns);

  std::unique_ptr<loop::Service> inner_;
  wal::Log& log_;
  loop::Worker* worker_ = nullptr;
  SyncTimer timer_;
};

}  // namespace sluice::net::api
