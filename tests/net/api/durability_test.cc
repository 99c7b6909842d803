// --persistence.file as the endpoints show it: before the state is there, when the log fails, and after a stop in the
// middle of recovery. The test plays the only worker; the keeper is a thread of its own.
#include "net/api/durability.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "net/api/api_handler.h"
#include "net/api/directory_lock.h"
#include "net/api/gateway.h"

namespace sluice::net::api {
namespace {

using HeadAction = http::Handler::HeadAction;
using StepAction = http::Handler::StepAction;

class Folder {
 public:
  Folder() {
    std::string path = ::testing::TempDir() + "sluice_durability_XXXXXX";
    EXPECT_NE(mkdtemp(path.data()), nullptr);
    path_ = path;
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] std::string data() const { return path_ + "/state.sluice"; }

 private:
  std::string path_;
};

GatewayOptions gateway_options() {
  GatewayOptions options;
  options.router.enable_admin_api = true;
  options.more_writers = Durability::more_writers();
  return options;
}

DurabilityOptions durability_options(const Folder& folder) {
  DurabilityOptions options;
  options.directory = folder.data();
  options.log.fsync = wal::Fsync::kAlways;
  options.snapshot_interval = std::chrono::hours(1);
  options.on_fatal = [] {};
  return options;
}

// One run of a gateway.
class Life {
 public:
  explicit Life(const Folder& folder) : Life(durability_options(folder)) {}
  explicit Life(DurabilityOptions options)
      : gateway_(gateway_options()), durability_(gateway_.store(), std::move(options)) {
    const auto opened = durability_.open();
    EXPECT_TRUE(opened) << opened.error();
    gateway_.set_durability(durability_);
    context().writer = std::make_unique<store::Writer>(gateway_.store());
    context().writer->set_journal(&log());
  }
  ~Life() { context().writer.reset(); }
  Life(const Life&) = delete;
  Life& operator=(const Life&) = delete;

  void start() { durability_.start(); }
  void start_and_wait() {
    start();
    wait_until([this] { return durability_.ready(); });
  }
  [[nodiscard]] Result<void, std::string> finish() {
    context().writer.reset();
    return durability_.finish();
  }

  WorkerContext& context() { return gateway_.context(0); }
  wal::Log& log() { return durability_.log(0); }
  // Of a gauge.
  [[nodiscard]] double gauge(std::string_view name) const {
    std::vector<render::OwnFamily> families;
    durability_.append(families);
    const auto found = std::ranges::find(families, name, &render::OwnFamily::name);
    return found == families.end() ? -1 : std::stod(found->lines.substr(name.size() + 1));
  }
  uint64_t groups() { return gateway_.store().stats().groups; }

  template <typename Done>
  void wait_until(Done done) {
    wait_asleep_until([&] {
      log().flush();
      return done();
    });
  }
  // As a worker that has nothing to do: it does not look at its log.
  template <typename Done>
  void wait_asleep_until(Done done) {
    while (!done()) {
      context().writer->quiescent();
      std::this_thread::yield();
    }
  }

  struct Request {
    http::Exchange exchange;
    bool done = false;
  };
  // As far as it comes without the log.
  std::unique_ptr<Request> begin(http::Method method, std::string_view target, std::string_view body = {}) {
    auto request = std::make_unique<Request>();
    request->exchange.request.method = method;
    request->exchange.request.target = target;
    uint64_t body_bytes_max = 0;
    request->done = handler_->on_head(request->exchange, body_bytes_max) == HeadAction::kRespond;
    request->exchange.request.body = body;
    for (int turn = 0; turn < 100 && !go_on(*request); ++turn) context().writer->quiescent();
    return request;
  }
  bool go_on(Request& request) {
    request.done = request.done || handler_->step(request.exchange, Deadline::never()) == StepAction::kDone;
    return request.done;
  }
  // `error`: of the sync, if one is wanted.
  void sync(int error = 0) {
    log().flush();
    wal::File* const file = log().wants_sync(0);
    if (file == nullptr) return;
    log().sync_started(0);
    log().sync_done(error == 0 ? file->sync() : error, 1);
  }
  http::Response answer(http::Method method, std::string_view target, std::string_view body = {}) {
    const auto request = begin(method, target, body);
    sync();
    EXPECT_TRUE(go_on(*request)) << target;
    return std::move(request->exchange.response);
  }
  int status(http::Method method, std::string_view target, std::string_view body = {}) {
    return answer(method, target, body).status;
  }

 private:
  Gateway gateway_;
  Durability durability_;
  std::unique_ptr<http::Handler> handler_ = gateway_.make_handler(0);
};

std::vector<std::filesystem::path> files_of(const Folder& folder, std::string_view extension) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder.data())) {
    if (entry.path().extension() == extension) paths.push_back(entry.path());
  }
  return paths;
}

std::string content_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

TEST(Durability, WhatNeedsTheStateIsRefusedUntilItIsThere) {
  const Folder folder;
  Life run(folder);
  const std::pair<http::Method, std::string_view> requests[] = {
      {http::Method::kPut, "/metrics/job/a"},     {http::Method::kPost, "/metrics/job/a"},
      {http::Method::kDelete, "/metrics/job/a"},  {http::Method::kGet, "/metrics"},
      {http::Method::kPut, "/api/v1/admin/wipe"}, {http::Method::kGet, "/-/ready"},
      {http::Method::kGet, "/api/v1/metrics"},
  };
  for (const auto& [method, target] : requests) {
    const http::Response response = run.answer(method, target, "x 1\n");
    EXPECT_EQ(response.status, 503) << target;
    EXPECT_NE(response.headers.find("Retry-After: 1\r\n"), std::string::npos) << target;
  }
  EXPECT_EQ(run.status(http::Method::kGet, "/-/healthy"), 200);
  EXPECT_EQ(run.groups(), 0U);
  run.start_and_wait();
  for (const auto& [method, target] : requests) {
    EXPECT_LT(run.status(method, target, "x 1\n"), 300) << target;
  }
  EXPECT_TRUE(run.finish());
}

TEST(Durability, AnAnswerWaitsForTheDiskAndFailsWithIt) {
  const Folder folder;
  {
    Life run(folder);
    run.start_and_wait();
    const auto first = run.begin(http::Method::kPut, "/metrics/job/first", "x 1\n");
    EXPECT_FALSE(first->done) << "it is not on disk";
    const auto missing = run.begin(http::Method::kDelete, "/metrics/job/missing");
    EXPECT_FALSE(missing->done) << "what it has seen is not on disk";
    run.log().flush();
    EXPECT_FALSE(run.go_on(*first)) << "written is not durable";
    run.sync();
    EXPECT_TRUE(run.go_on(*first) && run.go_on(*missing));
    EXPECT_EQ(first->exchange.response.status, 200);
    EXPECT_EQ(missing->exchange.response.status, 202);

    const auto second = run.begin(http::Method::kPut, "/metrics/job/second", "x 2\n");
    run.sync(EIO);
    EXPECT_TRUE(run.go_on(*second));
    EXPECT_EQ(second->exchange.response.status, 503);
    EXPECT_EQ(run.status(http::Method::kPut, "/metrics/job/third", "x 3\n"), 503);
    EXPECT_EQ(run.status(http::Method::kDelete, "/metrics/job/first"), 503);
    EXPECT_EQ(run.status(http::Method::kGet, "/-/ready"), 503);
    EXPECT_EQ(run.status(http::Method::kGet, "/-/healthy"), 200);
    EXPECT_EQ(run.status(http::Method::kGet, "/metrics"), 200);

    run.wait_until([&] { return !run.log().failed(); });
    EXPECT_EQ(run.status(http::Method::kGet, "/-/ready"), 200);
    EXPECT_EQ(run.status(http::Method::kPut, "/metrics/job/fourth", "x 4\n"), 200);
    // As if it were killed: no finish().
  }
  Life run(folder);
  run.start_and_wait();
  EXPECT_EQ(run.groups(), 3U);  // the second, which is served, is kept with all of it
}

TEST(Durability, AStartThatCannotWriteASnapshotServesAndRefusesChanges) {
  const Folder folder;
  {
    Life run(folder);
    run.start_and_wait();
    EXPECT_EQ(run.status(http::Method::kPut, "/metrics/job/first", "x 1\n"), 200);
    EXPECT_EQ(run.status(http::Method::kPut, "/metrics/job/second", "x 2\n"), 200);
    EXPECT_EQ(run.status(http::Method::kDelete, "/metrics/job/second"), 202);
    // As if it were killed: no finish().
  }
  const std::string in_the_way = folder.data() + "/snapshot.tmp";
  std::filesystem::create_directory(in_the_way);
  {
    Life run(folder);
    run.start_and_wait();
    EXPECT_EQ(run.groups(), 1U);
    EXPECT_EQ(run.status(http::Method::kGet, "/metrics"), 200);
    EXPECT_EQ(run.status(http::Method::kGet, "/-/ready"), 503);
    EXPECT_EQ(run.status(http::Method::kPut, "/metrics/job/third", "x 3\n"), 503);
    EXPECT_EQ(run.status(http::Method::kDelete, "/metrics/job/first"), 503);
    EXPECT_EQ(run.status(http::Method::kDelete, "/metrics/job/second"), 503) << "that it is gone may not last";
    std::filesystem::remove(in_the_way);
    run.wait_until([&] { return !run.log().failed(); });
    EXPECT_EQ(run.status(http::Method::kGet, "/-/ready"), 200);
    EXPECT_EQ(run.status(http::Method::kDelete, "/metrics/job/second"), 202);
    EXPECT_EQ(run.status(http::Method::kPut, "/metrics/job/third", "x 3\n"), 200);
  }
  Life run(folder);
  run.start_and_wait();
  EXPECT_EQ(run.groups(), 2U);
}

// What is taken out of the directory is written anew, by a snapshot and a new file; a directory that is gone takes no
// promise until it is back.
TEST(Durability, WhatIsTakenAwayIsMissed) {
  const Folder folder;
  const std::string away = folder.data() + ".away";
  {
    Life run(folder);
    run.start_and_wait();
    EXPECT_EQ(run.status(http::Method::kPut, "/metrics/job/first", "x 1\n"), 200);
    std::filesystem::rename(folder.data(), away);
    run.wait_until([&] { return run.gauge("sluice_wal_failed") == 1; });
    EXPECT_EQ(run.status(http::Method::kPut, "/metrics/job/second", "x 2\n"), 503);
    EXPECT_EQ(run.status(http::Method::kGet, "/-/ready"), 503);
    EXPECT_EQ(run.status(http::Method::kGet, "/metrics"), 200);
    std::filesystem::rename(away, folder.data());
    run.wait_until([&] { return run.gauge("sluice_wal_failed") == 0; });
    EXPECT_EQ(run.status(http::Method::kGet, "/-/ready"), 200);
    EXPECT_EQ(run.status(http::Method::kPut, "/metrics/job/third", "x 3\n"), 200);

    const double snapshots = run.gauge("sluice_persistence_last_success_timestamp_seconds");
    for (const auto& entry : std::filesystem::directory_iterator(folder.data())) std::filesystem::remove(entry.path());
    run.wait_until([&] { return run.gauge("sluice_persistence_last_success_timestamp_seconds") > snapshots; });
    run.wait_until([&] { return !run.log().failed() && run.log().figures().failures >= 2; });
    EXPECT_EQ(run.status(http::Method::kPut, "/metrics/job/fourth", "x 4\n"), 200);
    // As if it were killed: no finish().
  }
  {
    Life run(folder);
    run.start_and_wait();
    EXPECT_EQ(run.groups(), 3U);  // the second was refused before it was made
    std::filesystem::remove_all(folder.data());
    const auto kept = run.finish();
    ASSERT_FALSE(kept) << "what it holds is nowhere";
    EXPECT_NE(kept.error().find("the directory is gone"), std::string::npos) << kept.error();
  }
}

// A worker that slept all the time has nothing to make up for when the directory is back and a snapshot is there.
TEST(Durability, AWorkerThatSleptHasMissedNothing) {
  const Folder folder;
  const std::string away = folder.data() + ".away";
  Life run(folder);
  run.start_and_wait();
  EXPECT_EQ(run.status(http::Method::kPut, "/metrics/job/first", "x 1\n"), 200);
  const double snapshots = run.gauge("sluice_persistence_last_success_timestamp_seconds");
  std::filesystem::rename(folder.data(), away);
  run.wait_asleep_until([&] { return run.gauge("sluice_wal_failed") == 1; });
  // Without a flush, so the log goes on sleeping.
  const auto missing = run.begin(http::Method::kDelete, "/metrics/job/missing");
  EXPECT_TRUE(missing->done);
  EXPECT_EQ(missing->exchange.response.status, 503);
  std::filesystem::rename(away, folder.data());
  run.wait_asleep_until([&] {
    return run.gauge("sluice_wal_failed") == 0 &&
           run.gauge("sluice_persistence_last_success_timestamp_seconds") > snapshots;
  });
  EXPECT_EQ(run.status(http::Method::kPut, "/metrics/job/second", "x 2\n"), 200);
  EXPECT_EQ(run.log().figures().failures, 0U);
  EXPECT_TRUE(run.finish());
}

// What is gone at the end, too: the state is written anew, or the end says that it could not be.
TEST(Durability, AnEndMissesWhatIsGone) {
  const Folder folder;
  const auto take_away = [&] {
    for (const auto& path : files_of(folder, ".snap")) std::filesystem::remove(path);
  };
  {
    Life run(folder);
    run.start_and_wait();
    EXPECT_EQ(run.status(http::Method::kPut, "/metrics/job/first", "x 1\n"), 200);
    EXPECT_TRUE(run.finish());
  }
  {
    Life run(folder);
    run.start_and_wait();
    take_away();
    EXPECT_TRUE(run.finish());
    EXPECT_EQ(files_of(folder, ".snap").size(), 1U);
  }
  Life run(folder);
  run.start_and_wait();
  EXPECT_EQ(run.groups(), 1U);
  take_away();
  std::filesystem::create_directory(folder.data() + "/snapshot.tmp");
  EXPECT_FALSE(run.finish());
}

// The lock goes with the other files: it is taken anew, and whoever was faster has the directory.
TEST(Durability, WhoeverHasTheLockHasTheDirectory) {
  const Folder folder;
  const std::string lock = folder.data() + "/lock";
  Life run(folder);
  run.start_and_wait();
  EXPECT_EQ(run.status(http::Method::kPut, "/metrics/job/first", "x 1\n"), 200);
  std::filesystem::remove(lock);
  run.wait_until([&] { return std::filesystem::exists(lock); });
  EXPECT_EQ(run.gauge("sluice_wal_failed"), 0);
  Gateway other(gateway_options());
  {
    Durability second(other.store(), durability_options(folder));
    const auto opened = second.open();
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error(), "another gateway uses the directory " + folder.data());
  }
  // Put in its place while it is away, so that the first one is the slower.
  DirectoryLock faster;
  std::filesystem::create_directory(folder.data() + ".other");
  ASSERT_TRUE(faster.take(folder.data() + ".other"));
  std::filesystem::rename(folder.data() + ".other/lock", lock);
  run.wait_until([&] { return run.gauge("sluice_wal_failed") == 1; });
  const auto names = [&] { return files_of(folder, ".seg"); };
  const auto before = names();
  EXPECT_EQ(run.status(http::Method::kPut, "/metrics/job/second", "x 2\n"), 503);
  const auto kept = run.finish();
  ASSERT_FALSE(kept);
  EXPECT_NE(kept.error().find("another gateway uses the directory"), std::string::npos) << kept.error();
  EXPECT_EQ(names(), before) << "none of its files is touched";
}

uint64_t directory_bytes(const Folder& folder) {
  uint64_t bytes = 0;
  std::error_code gone;
  for (const auto& entry : std::filesystem::directory_iterator(folder.data())) {
    const uint64_t size = entry.file_size(gone);  // it may be removed meanwhile
    if (!gone) bytes += size;
  }
  return bytes;
}

// However much is pushed, of the log no more stays than makes a snapshot due.
TEST(Durability, TheDirectoryDoesNotGrowWithWhatIsPushed) {
  constexpr uint64_t kLogBytes = 64 * 1024;
  constexpr uint64_t kSegmentBytes = 16 * 1024;
  const Folder folder;
  DurabilityOptions options = durability_options(folder);
  options.log_bytes_per_snapshot = kLogBytes;
  options.log.segment_bytes = kSegmentBytes;
  Life run(std::move(options));
  run.start_and_wait();
  // Each another one, so that the log has nothing to repeat.
  const auto body_of = [](int i) {
    return "x{filler=\"" + std::string(4096, 'f') + std::to_string(1000 + i) + "\"} 1\n";
  };
  const size_t body_bytes = body_of(0).size();
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 60; ++i) ASSERT_EQ(run.status(http::Method::kPut, "/metrics/job/a", body_of(i)), 200);
    // Two snapshots, the log that makes one due, and two segments, the one that is written to with a batch more.
    const uint64_t bound = 6 * body_bytes + kLogBytes + 2 * kSegmentBytes;
    ASSERT_GT(60 * body_bytes, bound);
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    run.wait_until([&] { return directory_bytes(folder) <= bound || std::chrono::steady_clock::now() > give_up; });
    ASSERT_LE(directory_bytes(folder), bound) << "round " << round;
    run.wait_until([&] {
      return run.gauge("sluice_wal_directory_bytes") == static_cast<double>(directory_bytes(folder)) ||
             std::chrono::steady_clock::now() > give_up;
    });
    ASSERT_LT(std::chrono::steady_clock::now(), give_up) << run.gauge("sluice_wal_directory_bytes");
  }
  EXPECT_TRUE(run.finish());
}

// What a start has to read does not either: many small changes make a snapshot due as well.
TEST(Durability, ManyChangesMakeASnapshotDue) {
  const Folder folder;
  DurabilityOptions options = durability_options(folder);
  options.log_records_per_snapshot = 50;
  Life run(std::move(options));
  run.start_and_wait();
  for (int i = 0; i <= 50; ++i) ASSERT_EQ(run.status(http::Method::kPut, "/metrics/job/a", "x 1\n"), 200);
  run.wait_until([&] { return !files_of(folder, ".snap").empty(); });
}

// A clean stop leaves a snapshot only; what it was is kept, and the next one does not take its name.
TEST(Durability, ADamagedSnapshotIsSetAsideAsItWas) {
  for (const bool empty : {false, true}) {
    const Folder folder;
    {
      Life run(folder);
      run.start_and_wait();
      ASSERT_EQ(run.status(http::Method::kPut, "/metrics/job/a", "x 1\n"), 200);
      ASSERT_TRUE(run.finish());
    }
    const auto snapshots = files_of(folder, ".snap");
    ASSERT_EQ(snapshots.size(), 1U);
    const std::string damaged = empty ? std::string() : std::string(content_of(snapshots[0]).size(), '\0');
    std::ofstream(snapshots[0], std::ios::binary | std::ios::trunc) << damaged;
    {
      Life run(folder);
      run.start_and_wait();
      run.wait_until([&] { return !files_of(folder, ".corrupt").empty(); });
      EXPECT_EQ(content_of(files_of(folder, ".corrupt")[0]), damaged);
      ASSERT_EQ(run.status(http::Method::kPut, "/metrics/job/b", "x 1\n"), 200);
      ASSERT_TRUE(run.finish());
    }
    Life run(folder);
    run.start_and_wait();
    EXPECT_EQ(run.groups(), 1U);
    EXPECT_EQ(run.gauge("sluice_wal_damages"), 0);
    EXPECT_TRUE(run.finish());
  }
}

TEST(Durability, AStopInTheMiddleOfRecoveryLosesNothing) {
  constexpr uint64_t kGroups = 200;
  const Folder folder;
  {
    Life run(folder);
    run.start_and_wait();
    for (uint64_t i = 0; i < kGroups; ++i) {
      ASSERT_EQ(run.status(http::Method::kPut, "/metrics/job/" + std::to_string(i), "x 1\n"), 200);
    }
  }
  // Damage, which makes whoever has read it take a snapshot and set the file aside.
  for (const auto& entry : std::filesystem::directory_iterator(folder.data())) {
    if (entry.path().extension() != ".seg" || entry.file_size() < kGroups) continue;
    std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
    const auto middle = static_cast<std::streamoff>(entry.file_size() / 2);
    file.seekg(middle);
    const auto byte = static_cast<char>(file.get() ^ 1);
    file.seekp(middle);
    file.put(byte);
  }
  for (int i = 0; i < 20; ++i) {
    Life run(folder);
    run.start();
    EXPECT_TRUE(run.finish());
  }
  Life run(folder);
  run.start_and_wait();
  EXPECT_GE(run.groups(), kGroups - 1);
  EXPECT_TRUE(run.finish());
}

}  // namespace
}  // namespace sluice::net::api
