// Logs on a disk that says what it was asked for, call by call.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/wal/log.h"
#include "core/wal/record.h"
#include "tests/core/store/testing.h"
#include "tests/core/wal/simulated_disk.h"

namespace sluice::wal::testing {

inline const store::testing::Labels kGroup = {{"job", "t"}};

inline LogOptions with(Fsync fsync) {
  LogOptions options;
  options.fsync = fsync;
  options.interval_ns = 100;
  return options;
}

// Logs with a disk, a store and a client each.
struct Bench {
  explicit Bench(LogOptions options, uint32_t count = 1, uint64_t seed = 1)
      : disk(seed), logs(*storage, store, options, count, 7) {
    disk.fault = [this](DiskCall call, const std::string& name) {
      calls.emplace_back(call, name);
      return call == failing ? error : 0;
    };
    logs.set_wake([](void* counter) { ++*static_cast<int*>(counter); }, &wakes);
    for (uint32_t i = 0; i < count; ++i) {
      clients.push_back(std::make_unique<store::testing::Client>(store));
      clients.back()->writer().set_journal(&logs.log(i));
    }
  }
  ~Bench() {
    for (const auto& client : clients) client->writer().set_journal(nullptr);
  }
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  Log& log(uint32_t index = 0) { return logs.log(index); }
  const LogFigures& figures(uint32_t index = 0) { return log(index).figures(); }
  // The stamp.
  uint64_t push(uint32_t index = 0) {
    const store::PushResult result = clients[index]->post(kGroup, "x 1\n");
    EXPECT_EQ(result.status, store::PushStatus::kOk);
    return result.stamp;
  }
  store::PushStatus try_push() { return clients[0]->post(kGroup, "x 1\n").status; }
  void sync(uint32_t index = 0, int64_t now_ns = 1000) {
    File* const file = log(index).wants_sync(now_ns);
    ASSERT_NE(file, nullptr);
    log(index).sync_started(now_ns);
    log(index).sync_done(file->sync(), now_ns + 5);
  }
  void fail(DiskCall call, int number) { failing = call, error = number; }
  void work() { error = 0; }
  [[nodiscard]] uint64_t count(DiskCall call, const std::string& name) const {
    return static_cast<uint64_t>(std::ranges::count(calls, std::pair(call, name)));
  }
  // What a reader finds in a segment of the first log, but for patterns and what stands between them.
  [[nodiscard]] std::vector<RecordView> records(uint64_t sequence) {
    const std::string* const bytes = disk.content(segment_name(0, sequence));
    EXPECT_NE(bytes, nullptr) << sequence;
    std::vector<RecordView> all;
    auto reader = RecordReader::open(*bytes);
    EXPECT_TRUE(reader);
    for (RecordView record; reader->next(record) == RecordReader::Next::kRecord;) {
      const bool says_nothing = record.kind == RecordKind::kMark && record.mark.bytes == 0;
      if (record.kind != RecordKind::kPattern && !says_nothing) all.push_back(record);
    }
    EXPECT_EQ(reader->offset(), bytes->size());
    return all;
  }

  SimulatedDisk disk;
  std::unique_ptr<Storage> storage = disk.open();
  store::Store store{[] {
    store::Options options;
    options.writers_max = 4;
    return options;
  }()};
  LogSet logs;
  std::vector<std::unique_ptr<store::testing::Client>> clients;
  std::vector<std::pair<DiskCall, std::string>> calls;
  DiskCall failing = DiskCall::kRead;
  int error = 0;
  int wakes = 0;
};

}  // namespace sluice::wal::testing
