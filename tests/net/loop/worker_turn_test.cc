// The order of a turn: what is looked at between two slices of long work. A scripted ring, no times.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <string>
#include <thread>

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
    if (slow) std::this_thread::sleep_for(std::chrono::nanoseconds(limits::kLongWaitsNs));
    if (endless) return 1;
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
  void send_message(int, const msghdr&, ring::Token) override {}
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
  bool slow = false;               // a trip takes as long as long work may have to wait
  bool endless = false;            // every trip brings something

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

// Five that have yet to begin, each of which takes as long as a slice and writes 's'; the last asks for a stop.
class ShortService final : public Service {
 public:
  ShortService(std::string& record, Shared& shared) : record_(record), shared_(shared) {}
  void on_start(Worker& worker) override {
    for (Item& item : items_) {
      item.service = this;
      worker.schedule(item, Runnable::Work::kShort);
    }
  }
  void on_connection(const NewConnection&) override {}
  void on_completion(const ring::Completion&) override {}
  void on_stop() override {}
  void on_abort() override {}

 private:
  struct Item final : Runnable {
    Again run(Deadline deadline) override {
      service->record_ += 's';
      while (!deadline.passed()) continue;
      if (this == &service->items_.back()) service->shared_.peers[0]->mailbox.post(new Message);
      return Again::kNo;
    }
    ShortService* service = nullptr;
  };

  std::string& record_;
  Shared& shared_;
  std::array<Item, 5> items_;
};

struct Trips {
  std::string script;  // completions of each, then none
  bool slow = false;
  bool endless = false;
};

// What happened until the fifth slice.
std::string record_of(const Trips& trips, bool contended) {
  std::string record;
  Shared shared(1);
  ScriptedRing ring(record, trips.script);
  ring.slow = trips.slow;
  ring.endless = trips.endless;
  shared.peers[0]->ring = &ring;
  LongService service(record, shared, contended);
  EpochHooks hooks;
  WorkerCore core(0, {}, shared, ring, service, hooks);
  if (contended) ring.contended_by = &core;
  EXPECT_TRUE(core.run(Listeners()));
  return record.substr(0, record.rfind('L') + 1);
}

// What happened until the last of the five.
std::string record_of_short(bool contended) {
  std::string record;
  Shared shared(1);
  ScriptedRing ring(record, "");
  shared.peers[0]->ring = &ring;
  ShortService service(record, shared);
  EpochHooks hooks;
  WorkerCore core(0, {}, shared, ring, service, hooks);
  if (contended) ring.contended_by = &core;
  EXPECT_TRUE(core.run(Listeners()));
  return record.substr(0, record.rfind('s') + 1);
}

TEST(WorkerTurn, AloneWhatHasYetToBeginSharesATurn) { EXPECT_EQ(record_of_short(false), "ksssss"); }

TEST(WorkerTurn, BesideSmallRequestsWhatHasYetToBeginHasASliceOfATurn) {
  EXPECT_EQ(record_of_short(true), "ksksksksks");
}

TEST(WorkerTurn, AloneASliceFollowsEachTrip) { EXPECT_EQ(record_of({"11111"}, false), "kLkLkLkLkL"); }

TEST(WorkerTurn, BesideSmallRequestsASliceFollowsATripThatBroughtNothing) {
  EXPECT_EQ(record_of({"0000"}, true), "kLkLkLkLkL");
}

TEST(WorkerTurn, BesideSmallRequestsAnswersLeaveBeforeTheNextSlice) {
  // It is due at once, since a trip takes so long; after one that brought something comes another.
  EXPECT_EQ(record_of({"10"
                       "0"
                       "11"
                       "19",
                       true},
                      true),
            "kkL"
            "kL"
            "kkL"
            "kkL"
            "kL");
}

TEST(WorkerTurn, SmallRequestsWithoutEndGoFirstButNotForEver) {
  const std::string record = record_of({"", false, true}, true);
  EXPECT_EQ(std::count(record.begin(), record.end(), 'L'), 5) << record;
  // Never two slices with less than two trips in between; between some of them more turns than one, since these trips
  // take far less time than long work has to wait.
  for (size_t at = 0; at < record.size(); at = record.find('k', record.find('L', at))) {
    EXPECT_GE(record.find('L', at) - at, 2u) << record;
    if (record.find('L', at) == record.size() - 1) break;
  }
  EXPECT_GT(record.size(), 5u * (16u + 1u)) << record;
}

}  // namespace
}  // namespace sluice::net::loop
