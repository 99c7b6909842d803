// The order of a turn: what is looked at between two slices of long work. A scripted ring, no times.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "net/loop/worker_core.h"

namespace sluice::net::loop {
namespace {

// Says of each trip how many completions it brought; writes 'k' into the record for it.
class ScriptedRing final : public ring::Ring {
 public:
  ScriptedRing(std::string& record, std::string script) : record_(record), script_(std::move(script)) {}
  uint32_t turn(int64_t, ring::CompletionHandler&) override {
    record_ += 'k';
    if (contended_by != nullptr) contended_by->small_request();
    const uint32_t dispatched = script_.empty() ? 0 : static_cast<uint32_t>(script_.front() - '0');
    if (!script_.empty()) script_.erase(0, 1);
    return dispatched;
  }
  int enable() noexcept override { return 0; }
  void accept_multishot(int, ring::Token) override {}
  void receive_multishot(int, ring::Token) override {}
  void receive_into(int, char*, size_t, ring::Token) override {}
  void send(int, const char*, size_t, ring::Token) override {}
  void send_parts(int, const iovec*, unsigned, ring::Token) override {}
  void shutdown(int, int, ring::Token) override {}
  void fdatasync(int, ring::Token) override {}
  void cancel(int, ring::Op, ring::Token) override {}
  void close(int) override {}
  void adopt(int) override {}
  void give_back(ring::BufId) override {}
  uint32_t buffers_free() const noexcept override { return 0; }
  uint32_t buffers_total() const noexcept override { return 0; }
  uint32_t buffer_bytes() const noexcept override { return 0; }
  void wake() noexcept override {}
  void abandon() noexcept override {}

  Worker* contended_by = nullptr;  // a small request is answered in every trip

 private:
  std::string& record_;
  std::string script_;
};

// Long work that writes 'L' for each of its slices, and asks for a stop after five.
class LongService final : public Service, public Runnable {
 public:
  LongService(std::string& record, Shared& shared, bool contended)
      : record_(record), shared_(shared), contended_(contended) {}
  void on_start(Worker& worker) override {
    worker_ = &worker;
    worker.schedule(*this, Work::kLong);
  }
  Again run(Deadline) override {
    record_ += 'L';
    if (std::count(record_.begin(), record_.end(), 'L') == 5) {
      shared_.peers[0]->mailbox.post(new Message);
      return Again::kNo;
    }
    EXPECT_EQ(worker_->slice_ns(), contended_ ? limits::kContendedSliceNs : limits::kSliceNs);
    return Again::kYes;
  }
  void on_connection(const NewConnection&) override {}
  void on_completion(const ring::Completion&) override {}
  void on_stop() override {}
  void on_abort() override {}

 private:
  std::string& record_;
  Shared& shared_;
  const bool contended_;
  Worker* worker_ = nullptr;
};

// What happened until the fifth slice when the trips bring so many completions.
std::string record_of(std::string script, bool contended) {
  std::string record;
  Shared shared(1);
  ScriptedRing ring(record, std::move(script));
  shared.peers[0]->ring = &ring;
  LongService service(record, shared, contended);
  EpochHooks hooks;
  WorkerCore core(0, {}, shared, ring, service, hooks);
  if (contended) ring.contended_by = &core;
  EXPECT_TRUE(core.run(Listeners()));
  return record.substr(0, record.rfind('L') + 1);
}

TEST(WorkerTurn, AloneASliceFollowsEachTrip) { EXPECT_EQ(record_of("11111", false), "kLkLkLkLkL"); }

TEST(WorkerTurn, BesideSmallRequestsAnswersLeaveBeforeTheNextSlice) {
  // After a trip that brought something comes another, three in all at most; after one that brought nothing the slice.
  EXPECT_EQ(record_of("10"
                      "0"
                      "10"
                      "120"
                      "999",
                      true),
            "kkL"
            "kL"
            "kkL"
            "kkkL"
            "kkkL");
}

}  // namespace
}  // namespace sluice::net::loop
