// Scrapes out of a real store, with bodies that are kept and shared: what was answered before a scrape began is in it,
// and while nothing changes it has the bytes that a scrape without any of that has.
#include "net/api/scrape.h"

#include <zlib.h>

#include <charconv>
#include <chrono>
#include <cstdio>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "core/base/protobuf_wire.h"
#include "core/render/protobuf_renderer.h"
#include "core/render/renderer.h"
#include "net/api/gateway.h"
#include "net/api/group_requests.h"
#include "net/api/own_metrics.h"
#include "net/api/process_metrics.h"
#include "net/api/push.h"

namespace sluice::net::api {
namespace {

std::string inflate(std::string_view data) {
  z_stream stream{};
  EXPECT_EQ(inflateInit2(&stream, 15 + 16), Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(data.data()));
  stream.avail_in = static_cast<uInt>(data.size());
  std::string text;
  std::string piece(1 << 16, '\0');
  int result = Z_OK;
  while (result == Z_OK) {
    stream.next_out = reinterpret_cast<Bytef*>(piece.data());
    stream.avail_out = static_cast<uInt>(piece.size());
    result = ::inflate(&stream, Z_NO_FLUSH);
    text.append(piece, 0, piece.size() - stream.avail_out);
  }
  EXPECT_EQ(result, Z_STREAM_END);
  EXPECT_EQ(stream.avail_in, 0u);
  inflateEnd(&stream);
  return text;
}

const std::set<std::string, std::less<>>& our_names() {
  static const auto names = [] {
    std::set<std::string, std::less<>> all;
    for (const store::OwnFamily& family : own_family_names()) all.insert(family.name);
    return all;
  }();
  return names;
}

// A scrape without the families of ours, which no two scrapes have in common.
std::string pushed_text(std::string_view text) {
  std::string out;
  bool ours = false;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n') + 1);
    text.remove_prefix(line.size());
    if (line.starts_with("# HELP ") || line.starts_with("# TYPE ")) {
      ours = our_names().contains(line.substr(7, line.find(' ', 7) - 7));
    }
    if (!ours) out += line;
  }
  return out;
}

std::string pushed_messages(std::string_view bytes) {
  std::string out;
  while (!bytes.empty()) {
    uint64_t length = 0;
    const char* at = bytes.data();
    EXPECT_EQ(read_varint(at, bytes.data() + bytes.size(), length), VarintResult::kDone);
    const size_t whole = static_cast<size_t>(at - bytes.data()) + length;
    const auto name_bytes = static_cast<size_t>(static_cast<unsigned char>(at[1]));  // short names only
    if (!our_names().contains(std::string_view(at + 2, name_bytes))) out += bytes.substr(0, whole);
    bytes.remove_prefix(whole);
  }
  return out;
}

struct Kind {
  ScrapeFormat format;
  bool gzip = false;
  store::Part part;
};

std::string pushed_of(const Kind& kind, std::string_view bytes) {
  const std::string plain = kind.gzip ? inflate(bytes) : std::string(bytes);
  return kind.format.kind == ScrapeFormat::Kind::kText ? pushed_text(plain) : pushed_messages(plain);
}

GatewayOptions options_for(size_t cache_bytes) {
  GatewayOptions options;
  options.workers = 2;
  options.scrape_cache_bytes = cache_bytes;
  return options;
}

// A gateway with two workers, of which one thread plays both.
class Workers {
 public:
  explicit Workers(size_t cache_bytes) : gateway_(options_for(cache_bytes)) {
    for (uint32_t i = 0; i < 2; ++i) context(i).writer = std::make_unique<store::Writer>(gateway_.store());
  }
  ~Workers() {
    for (uint32_t i = 0; i < 2; ++i) context(i).writer.reset();
  }

  WorkerContext& context(uint64_t worker) { return gateway_.context(static_cast<uint32_t>(worker % 2)); }

  void push(uint64_t worker, const std::string& job, std::string_view body) {
    http::Exchange exchange;
    exchange.request.method = http::Method::kPut;
    exchange.request.body = body;
    PushState state(context(worker), model::GroupKey::from_labels({{"job", job}}), monotonic_ns());
    while (state.step(exchange, Deadline::never()) != http::Handler::StepAction::kDone) quiescent();
    ASSERT_EQ(exchange.response.status, 200) << body << exchange.response.body;
  }
  void erase(uint64_t worker, const std::string& job) {
    static_cast<void>(store::erase_group(*context(worker).writer, model::GroupKey::from_labels({{"job", job}})));
  }
  void quiescent() {
    for (uint32_t i = 0; i < 2; ++i) context(i).writer->quiescent();
  }
  std::unique_ptr<ScrapeSource> scrape(uint64_t worker, const Kind& kind) {
    return std::make_unique<ScrapeSource>(context(worker), kind.format, kind.gzip, kind.part);
  }
  // All that a scrape says.
  std::string read(ScrapeSource& source, size_t capacity = 50'000) {
    std::string out;
    std::string buffer(capacity, '\0');
    for (auto state = http::BodySource::State::kMore; state == http::BodySource::State::kMore; quiescent()) {
      http::OutBuffer piece{buffer.data(), capacity, 0};
      state = source.produce(piece, Deadline::never());
      out.append(buffer, 0, piece.used);
    }
    return out;
  }
  std::string read(uint64_t worker, const Kind& kind) { return read(*scrape(worker, kind)); }

  // The pushed families rendered without anything shared.
  std::string expected(const Kind& kind) {
    store::SnapshotRequest request;
    request.start(*context(0).writer);
    while (request.step(Deadline::never()) != store::StepResult::kDone) quiescent();
    const store::SnapshotRef snapshot = request.take();
    store::SnapshotPart part;
    EXPECT_TRUE(kind.part.is_whole() || part.step(*snapshot, kind.part, Deadline::never()));
    const auto buckets = kind.part.is_whole() ? snapshot->buckets() : part.buckets();
    std::unique_ptr<render::SnapshotSource> renderer;
    if (kind.format.kind == ScrapeFormat::Kind::kText) {
      renderer = std::make_unique<render::Renderer>(buckets, std::vector<render::OwnFamily>());
    } else {
      renderer = std::make_unique<render::ProtobufRenderer>(buckets, std::vector<render::OwnFamily>(),
                                                            render::ProtobufForm::kDelimited,
                                                            render::NameEscaping::kUnderscores);
    }
    std::string out(1 << 22, '\0');
    size_t used = 0;
    EXPECT_EQ(renderer->produce(out.data(), out.size(), used, Deadline::never()), render::ByteSource::State::kDone);
    out.resize(used);
    return kind.format.kind == ScrapeFormat::Kind::kText ? pushed_text(out) : pushed_messages(out);
  }

  uint64_t hits() { return sum(&WorkerMetrics::scrape_cache_hits); }
  uint64_t misses() { return sum(&WorkerMetrics::scrape_cache_misses); }
  uint64_t joins() { return sum(&WorkerMetrics::scrape_cache_joins); }
  Gateway& gateway() { return gateway_; }

 private:
  uint64_t sum(WorkerMetrics::Counter WorkerMetrics::* counter) {
    return (context(0).metrics.*counter).get() + (context(1).metrics.*counter).get();
  }

  Gateway gateway_;
};

const ScrapeFormat kDelimited{ScrapeFormat::Kind::kDelimited, render::NameEscaping::kUnderscores};
const Kind kKinds[] = {{{}, false, {}},    {{}, true, {}},      {kDelimited, false, {}},   {kDelimited, true, {}},
                       {{}, true, {0, 3}}, {{}, false, {2, 3}}, {kDelimited, true, {1, 2}}};

std::string body_of(uint64_t number) {
  std::string body = "# TYPE aaa gauge\naaa " + std::to_string(number) + "\n";
  for (int i = 0; i < 20; ++i) body += "many{i=\"" + std::to_string(i) + "\"} " + std::to_string(number) + "\n";
  return body + "zzz{a=\"b\"} " + std::to_string(number) + "\n";
}

TEST(Scrape, AnIdleGatewayServesWhatItHas) {
  Workers workers(32 << 20);
  for (uint64_t i = 0; i < 100; ++i) workers.push(i, "j" + std::to_string(i), body_of(i));
  for (const Kind& kind : kKinds) {
    const uint64_t hits = workers.hits();
    const uint64_t misses = workers.misses();
    const std::string first = workers.read(0, kind);
    EXPECT_EQ(workers.misses(), misses + 1);
    const std::string again = workers.read(1, kind);
    EXPECT_EQ(workers.hits(), hits + 1);
    EXPECT_EQ(pushed_of(kind, again), pushed_of(kind, first));
    EXPECT_EQ(pushed_of(kind, first), workers.expected(kind));
    EXPECT_EQ(workers.gateway().store().stats().snapshots, 0u);  // it needed none
  }
}

TEST(Scrape, OurOwnFiguresAreOfThisScrape) {
  Workers workers(32 << 20);
  workers.push(0, "j", body_of(1));
  const Kind text;
  for (int scrapes = 1; scrapes < 5; ++scrapes) {
    const std::string bytes = workers.read(0, text);
    EXPECT_NE(bytes.find("\nsluice_scrapes_total " + std::to_string(scrapes) + "\n"), std::string::npos);
  }
  EXPECT_EQ(workers.hits(), 3u);
}

// Reading them takes longer than a slice, so a scrape that waits for something does not do it again with each try.
TEST(Scrape, OurOwnFiguresAreThoseOfItsBegin) {
  Workers workers(32 << 20);
  workers.push(0, "j", body_of(1));
  const Kind text;
  const auto first = workers.scrape(0, text);
  std::string nothing(1'000, '\0');
  for (int slice = 0; slice < 2; ++slice) {  // what the kernel says of the process, and all else
    http::OutBuffer piece{nothing.data(), nothing.size(), 0};
    EXPECT_EQ(first->produce(piece, Deadline{0}), http::BodySource::State::kMore);
    EXPECT_EQ(piece.used, 0u);
  }
  EXPECT_NE(workers.read(1, text).find("\nsluice_scrapes_total 2\n"), std::string::npos);
  workers.push(0, "k", body_of(2));  // the other's body will not do
  EXPECT_NE(workers.read(*first).find("\nsluice_scrapes_total 1\n"), std::string::npos);
}

TEST(ProcessUsage, IsReadAgainAfterATenthOfASecondOnly) {
  // Another descriptor is open each time; a pause of the machine may come between two reads, but not between all.
  std::vector<std::unique_ptr<std::FILE, int (*)(std::FILE*)>> files;
  int kept = 0;
  for (int i = 0; i < 10; ++i) {
    const uint64_t before = read_process_usage().open_fds;
    files.emplace_back(std::fopen("/dev/null", "r"), &std::fclose);
    kept += read_process_usage().open_fds == before ? 1 : 0;
  }
  EXPECT_GT(kept, 0);
  std::this_thread::sleep_for(std::chrono::milliseconds(110));
  const uint64_t open = read_process_usage().open_fds;
  files.clear();
  std::this_thread::sleep_for(std::chrono::milliseconds(110));
  EXPECT_EQ(read_process_usage().open_fds, open - 10);
}

TEST(Scrape, WhatIsPushedUnderOurNamesIsThere) {
  Workers workers(32 << 20);
  workers.push(0, "j", "# TYPE process_open_fds gauge\nprocess_open_fds 7\n# TYPE m gauge\nm 1\n");
  for (const Kind& kind : {Kind{}, Kind{{}, true, {}}}) {
    for (int i = 0; i < 3; ++i) {
      const std::string bytes = workers.read(static_cast<uint64_t>(i), kind);
      const std::string text = kind.gzip ? inflate(bytes) : bytes;
      EXPECT_NE(text.find("\nprocess_open_fds{instance=\"\",job=\"j\"} 7\n"), std::string::npos);
      EXPECT_EQ(text.find("# TYPE process_open_fds"), text.rfind("# TYPE process_open_fds"));
      EXPECT_NE(text.find("\nm{instance=\"\",job=\"j\"} 1\n"), std::string::npos);
    }
  }
  EXPECT_EQ(workers.misses(), 2u);
}

TEST(Scrape, TwoAtOnceShare) {
  Workers workers(32 << 20);
  for (uint64_t i = 0; i < 300; ++i) workers.push(i, "j" + std::to_string(i), body_of(i));
  for (const Kind& kind : kKinds) {
    workers.push(0, "j0", body_of(0));
    const uint64_t joins = workers.joins();
    const auto first = workers.scrape(0, kind);
    const auto second = workers.scrape(1, kind);
    std::string outs[2];
    bool done[2] = {};
    std::string buffer(20'000, '\0');
    for (int turn = 0; !done[0] || !done[1]; ++turn) {
      const int which = turn % 2;
      if (done[which]) continue;
      http::OutBuffer piece{buffer.data(), buffer.size(), 0};
      const auto state = (which == 0 ? first : second)->produce(piece, Deadline{0});
      outs[which].append(buffer, 0, piece.used);
      done[which] = state == http::BodySource::State::kDone;
      workers.quiescent();
    }
    EXPECT_EQ(workers.joins(), joins + 1);
    EXPECT_EQ(pushed_of(kind, outs[0]), workers.expected(kind));
    EXPECT_EQ(pushed_of(kind, outs[1]), workers.expected(kind));
  }
}

// Pushes, deletes and scrapes in any order. Every push has a number of its own; the numbers of a group only grow.
class RandomRun {
 public:
  RandomRun(uint64_t seed, size_t cache_bytes) : random_(seed), workers_(cache_bytes) {}

  void go(int steps) {
    for (now_ = 1; now_ <= steps && !::testing::Test::HasFailure(); ++now_) step();
    running_.clear();
  }
  [[nodiscard]] uint64_t compared() const { return compared_; }

 private:
  struct Group {
    int number = 0;   // 0: not there
    int deleted = 0;  // when, the last time
  };
  struct Running {
    std::unique_ptr<ScrapeSource> source;
    Kind kind;
    std::map<std::string, Group> before;
    int began;
    std::string out;
  };

  void step() {
    const uint64_t what = random_() % 100;
    const uint64_t worker = random_();
    const std::string job = "j" + std::to_string(random_() % 40);
    if (what < 3) {
      workers_.push(worker, job, body_of(static_cast<uint64_t>(now_)));
      groups_[job].number = changed_ = now_;
    } else if (what < 4) {
      workers_.erase(worker, job);
      groups_[job] = {0, now_};
      changed_ = now_;
    } else if (what < 12 && running_.size() < 1 + random_() % 6) {
      const Kind kind = kKinds[random_() % std::size(kKinds)];
      running_.push_back({workers_.scrape(worker, kind), kind, groups_, now_, ""});
    } else if (what < 13 && !running_.empty()) {
      running_.erase(running_.begin() + static_cast<std::ptrdiff_t>(random_() % running_.size()));
    } else if (!running_.empty()) {
      read(random_() % running_.size());
    }
    workers_.quiescent();
  }

  void read(size_t which) {
    Running& running = running_[which];
    std::string buffer(1 + random_() % 30'000, '\0');
    http::OutBuffer piece{buffer.data(), buffer.size(), 0};
    const auto state = running.source->produce(piece, random_() % 2 == 0 ? Deadline{0} : Deadline::never());
    running.out.append(buffer, 0, piece.used);
    if (state == http::BodySource::State::kMore) return;
    check(running);
    running_.erase(running_.begin() + static_cast<std::ptrdiff_t>(which));
  }

  void check(const Running& running) {
    const std::string pushed = pushed_of(running.kind, running.out);
    // Alone, since what is compared with needs a snapshot now.
    if (changed_ < running.began && running_.size() == 1) {
      ++compared_;
      EXPECT_TRUE(pushed == workers_.expected(running.kind));
    }
    if (running.kind.format.kind != ScrapeFormat::Kind::kText || !running.kind.part.is_whole()) return;
    std::map<std::string, int> seen;
    for (size_t at = pushed.find("\naaa{"); at != std::string::npos; at = pushed.find("\naaa{", at + 1)) {
      const size_t job = pushed.find("job=\"", at) + 5;
      int number = 0;
      const char* const value = pushed.data() + pushed.find("} ", at) + 2;
      std::from_chars(value, pushed.data() + pushed.size(), number);
      EXPECT_TRUE(seen.emplace(pushed.substr(job, pushed.find('"', job) - job), number).second) << "twice";
    }
    for (const auto& [job, before] : running.before) {
      const Group& after = groups_[job];
      const auto found = seen.find(job);
      if (found == seen.end()) {
        EXPECT_TRUE(before.number == 0 || after.deleted > running.began) << job << " is missing";
      } else {
        EXPECT_GE(found->second, before.number) << job << " is stale";
        EXPECT_TRUE(before.number != 0 || found->second >= running.began) << job << " came back";
      }
    }
  }

  std::mt19937_64 random_;
  Workers workers_;
  std::map<std::string, Group> groups_;
  std::vector<Running> running_;
  int now_ = 0;
  int changed_ = 0;
  uint64_t compared_ = 0;
};

TEST(Scrape, IsNeverStaleWhateverIsKept) {
  uint64_t compared = 0;
  for (uint64_t seed = 1; seed <= 9; ++seed) {
    RandomRun run(seed, seed % 3 == 0 ? 0 : seed % 3 == 1 ? 60'000 : 32 << 20);
    run.go(1500);
    ASSERT_FALSE(HasFailure()) << "seed " << seed;
    compared += run.compared();
  }
  EXPECT_GT(compared, 20u);
}

}  // namespace
}  // namespace sluice::net::api
