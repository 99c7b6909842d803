// Bodies that are shared and kept: whatever readers do, each gets the bytes that it would have got alone, and memory
// stays within the limit.
#include <algorithm>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "core/render/body_reader.h"
#include "core/render/scrape_cache.h"
#include "tests/core/render/text_source.h"

namespace sluice::render {
namespace {

using testing::inflate_one;
using testing::metrics_text;
using testing::Places;
using testing::read_all;
using testing::TextSource;

constexpr size_t kMuch = 64 << 20;
constexpr BodyPlan kHelped{.text_bytes = 0, .helped = true};

// One state of a store and what scrapes of it say.
struct World {
  explicit World(size_t series, uint64_t number = 1) : mutations(number) {
    const std::string text = metrics_text(series, number);
    pushed = {
        {2, text.substr(0, 100)}, {6, text.substr(std::min<size_t>(100, text.size()))}, {8, "push_time_seconds 1\n"}};
    own = {{1, "go_a 1\n"}, {3, "process_b 1\n"}, {5, "process_c 1\n"}, {9, "sluice_d 1\n"}};
    Places all = pushed;
    all.insert(all.end(), own.begin(), own.end());
    std::ranges::sort(all);
    for (const auto& [place, piece] : all) whole += piece;
  }

  uint64_t mutations;
  Places pushed;
  Places own;
  std::string whole;
  int made = 0;   // sources
  int reads = 0;  // of them
};

class Cache {
 public:
  explicit Cache(size_t bytes_max, BodyPlan plan = {}) : cache_(bytes_max), plan_(plan) {}

  std::unique_ptr<BodyReader> reader(World& world, bool gzip, uint64_t snapshot = 1) {
    const MakeSource make = [&world] {
      ++world.made;
      return std::make_unique<TextSource>(world.pushed, 7, [&world] { ++world.reads; });
    };
    BodyRef body;
    EXPECT_TRUE(cache_.acquire(key(world, gzip), snapshot, plan_, make, body, counts));
    return std::make_unique<BodyReader>(cache_, helper_, std::move(body), std::make_unique<TextSource>(world.own, 9),
                                        make);
  }
  // Of a complete body, without a snapshot.
  std::unique_ptr<BodyReader> found(const World& world, bool gzip) {
    BodyRef body;
    if (cache_.find(key(world, gzip), body) != ScrapeCache::Found::kYes) return nullptr;
    return std::make_unique<BodyReader>(cache_, helper_, std::move(body), std::make_unique<TextSource>(world.own, 9),
                                        MakeSource());
  }
  std::string read(World& world, bool gzip, uint64_t seed = 1) {
    const auto it = reader(world, gzip);
    std::string bytes = read_all(*it, seed, 100'000);
    add(*it);
    return bytes;
  }
  void add(BodyReader& reader) {
    const CacheCounts more = reader.take_counts();
    counts.hits += more.hits;
    counts.joins += more.joins;
    counts.misses += more.misses;
    counts.dropped += more.dropped;
    counts.texts += more.texts;
    counts.helped += more.helped;
    counts.bytes += more.bytes;
  }
  // A slice of another worker.
  bool help(Deadline deadline = Deadline{0}) { return cache_.help(another_, deadline, counts); }
  // Until nothing changes any more.
  int64_t bytes_left() {
    for (int i = 0; i < 100; ++i) cache_.housekeep(counts);
    return counts.bytes;
  }

  CacheCounts counts;

 private:
  static BodyKey key(const World& world, bool gzip) {
    return {.mutations = world.mutations, .own_names = 5, .form = 0, .gzip = gzip, .part = {}};
  }

  ScrapeCache cache_;
  ScrapeHelper helper_;   // of the worker that reads
  ScrapeHelper another_;  // of one that does not
  BodyPlan plan_;
};

// Compressed bytes are compared by what they say: which matches the library finds may depend, on some CPUs, on what it
// compressed before.
std::string text_of(const std::string& bytes) { return bytes.starts_with("\x1f\x8b") ? inflate_one(bytes) : bytes; }

// What a scrape says where nothing is kept.
std::string alone(World& world, bool gzip) {
  Cache cache(0);
  std::string bytes = cache.read(world, gzip);
  EXPECT_EQ(cache.counts.bytes, 0);
  return bytes;
}

TEST(ScrapeCacheTest, AloneItIsTheTextInOrder) {
  World world(5000);
  EXPECT_EQ(alone(world, false), world.whole);
  EXPECT_EQ(inflate_one(alone(world, true)), world.whole);
  World nothing(1);
  nothing.pushed.clear();
  nothing.whole.clear();
  for (const auto& [place, piece] : nothing.own) nothing.whole += piece;
  EXPECT_EQ(alone(nothing, false), nothing.whole);
  EXPECT_EQ(inflate_one(alone(nothing, true)), nothing.whole);
}

TEST(ScrapeCacheTest, TheSameBytesInAnyPieces) {
  World world(5000);
  for (const bool gzip : {false, true}) {
    const std::string bytes = alone(world, gzip);
    for (uint64_t seed = 0; seed < 20; ++seed) {
      Cache cache(seed % 2 == 0 ? kMuch : 100'000);
      ASSERT_EQ(text_of(cache.read(world, gzip, seed)), text_of(bytes)) << gzip << seed;
    }
  }
}

TEST(ScrapeCacheTest, ACompleteBodyIsServedAgain) {
  World world(20'000);
  for (const bool gzip : {false, true}) {
    Cache cache(kMuch);
    const std::string first = cache.read(world, gzip);
    EXPECT_GT(cache.counts.bytes, 0);
    world.made = world.reads = 0;
    EXPECT_EQ(cache.read(world, gzip), first);
    const auto found = cache.found(world, gzip);
    ASSERT_NE(found, nullptr);
    EXPECT_EQ(read_all(*found, 2, 5000), first);
    EXPECT_EQ(found->left_out(), 6u);  // three of each source
    EXPECT_EQ(world.made, 0);
    EXPECT_EQ(world.reads, 0);
    EXPECT_EQ(cache.counts.misses, 1u);
    EXPECT_EQ(cache.counts.hits, 1u);
  }
}

TEST(ScrapeCacheTest, OurOwnFamiliesAreNew) {
  World world(2000);
  Cache cache(kMuch);
  for (const bool gzip : {false, true}) {
    static_cast<void>(cache.read(world, gzip));
    world.own[1].second = gzip ? "process_b 3\n" : "process_b 2\n";
    const auto found = cache.found(world, gzip);
    ASSERT_NE(found, nullptr);
    const std::string bytes = read_all(*found, 2, 5000);
    EXPECT_NE((gzip ? inflate_one(bytes) : bytes).find(world.own[1].second), std::string::npos);
  }
}

TEST(ScrapeCacheTest, AnotherStateIsAnotherBody) {
  World before(3000, 1);
  World after(3000, 2);
  for (const bool gzip : {false, true}) {
    Cache cache(kMuch);
    static_cast<void>(cache.read(before, gzip));
    EXPECT_EQ(cache.found(after, gzip), nullptr);
    EXPECT_EQ(cache.found(before, !gzip), nullptr);
    const int64_t bytes = cache.counts.bytes;
    EXPECT_EQ(text_of(cache.read(after, gzip)), text_of(alone(after, gzip)));
    EXPECT_EQ(cache.found(before, gzip), nullptr);
    EXPECT_NEAR(static_cast<double>(cache.bytes_left()), static_cast<double>(bytes), 20'000);  // the first one is gone
  }
}

TEST(ScrapeCacheTest, RunningScrapesOfOneSnapshotShare) {
  World world(20'000);
  for (const bool gzip : {false, true}) {
    const std::string bytes = alone(world, gzip);
    Cache single(kMuch);
    world.reads = 0;
    static_cast<void>(single.read(world, gzip));
    const int reads = world.reads;
    Cache cache(kMuch);
    world.made = world.reads = 0;
    std::vector<std::unique_ptr<BodyReader>> readers;
    readers.reserve(3);
    std::vector<std::string> outs(3);
    for (int i = 0; i < 3; ++i) readers.push_back(cache.reader(world, gzip));
    std::mt19937_64 random(3);
    std::vector<char> buffer(70'000);
    for (size_t done = 0; done != readers.size();) {
      const size_t which = random() % readers.size();
      if (readers[which] == nullptr) continue;
      size_t used = 0;
      const auto state = readers[which]->produce(buffer.data(), 1 + random() % buffer.size(), used, Deadline{0});
      outs[which].append(buffer.data(), used);
      if (state == ByteSource::State::kMore) continue;
      readers[which].reset();
      ++done;
    }
    for (const std::string& out : outs) EXPECT_EQ(text_of(out), text_of(bytes));
    EXPECT_EQ(world.made, 1);
    EXPECT_LE(world.reads, reads + reads / 4 + 10);  // once for all, but for slices
    EXPECT_EQ(cache.counts.joins, 2u);
  }
}

TEST(ScrapeCacheTest, ABodyOfAnotherSnapshotIsNotSharedBeforeItIsComplete) {
  // What it is made of belongs to that snapshot.
  World world(3000);
  Cache cache(kMuch);
  const auto first = cache.reader(world, true, 1);
  const auto second = cache.reader(world, true, 2);
  EXPECT_EQ(cache.counts.misses, 2u);
  const std::string bytes = read_all(*second, 1, 5000);
  EXPECT_EQ(text_of(read_all(*first, 1, 5000)), text_of(bytes));
}

TEST(ScrapeCacheTest, AReaderThatGoesAwayHoldsUpNobody) {
  World world(20'000);
  for (const bool gzip : {false, true}) {
    Cache cache(kMuch);
    std::vector<char> buffer(10'000);
    for (size_t calls = 0; calls < 40; calls += 3) {
      auto leaving = cache.reader(world, gzip);
      auto staying = cache.reader(world, gzip);
      size_t used = 0;
      for (size_t i = 0; i < calls; ++i) {
        static_cast<void>(leaving->produce(buffer.data(), buffer.size(), used, Deadline{0}));
      }
      leaving.reset();
      ASSERT_EQ(text_of(read_all(*staying, calls, 30'000)), text_of(alone(world, gzip)));
      ++world.mutations;
    }
  }
}

TEST(ScrapeCacheTest, AllHaveGoneAndNobodyMayGoOn) {
  // Its snapshot went with the last reader: a later scrape of another snapshot begins anew.
  World world(20'000);
  Cache cache(kMuch);
  std::vector<char> buffer(10'000);
  auto leaving = cache.reader(world, true, 1);
  size_t used = 0;
  for (int i = 0; i < 20; ++i) {
    static_cast<void>(leaving->produce(buffer.data(), buffer.size(), used, Deadline::never()));
  }
  cache.add(*leaving);
  leaving.reset();
  EXPECT_GT(cache.counts.bytes, 0);
  EXPECT_EQ(cache.bytes_left(), 0);
  const auto next = cache.reader(world, true, 2);
  EXPECT_EQ(text_of(read_all(*next, 1, 5000)), text_of(alone(world, true)));
}

TEST(ScrapeCacheTest, WhoFallsOutOfTheWindowGoesOnAlone) {
  World world(40'000);  // 5 MB
  for (const bool gzip : {false, true}) {
    const std::string bytes = alone(world, gzip);
    for (const size_t read_first : {size_t{0}, bytes.size() / 50, bytes.size() / 2}) {
      Cache cache(gzip ? 100'000 : 1 << 20);
      world.made = 0;
      const auto slow = cache.reader(world, gzip);
      const auto fast = cache.reader(world, gzip);
      std::string out(read_first + 1, '\0');
      size_t got = 0;
      while (got < read_first) {
        size_t used = 0;
        ASSERT_EQ(slow->produce(out.data() + got, read_first - got, used, Deadline{0}), ByteSource::State::kMore);
        got += used;
      }
      out.resize(got);
      ASSERT_EQ(text_of(read_all(*fast, 1, 50'000)), text_of(bytes));
      out += read_all(*slow, 2, 50'000);
      ASSERT_EQ(text_of(out), text_of(bytes)) << gzip << read_first;
      EXPECT_EQ(world.made, 2);  // one of the two was out of the window
      cache.add(*slow);
      cache.add(*fast);
      EXPECT_GT(cache.counts.dropped, 0u);
    }
  }
}

// It is kept up to a quarter of the limit, a sixteenth when it is known that it will not fit; from then on, nothing.
void read_large_alone(World& world, const BodyPlan& plan) {
  const size_t kept = plan.text_bytes == 0 ? 1 << 20 : 1 << 18;
  Cache cache(4 << 20, plan);
  const auto reader = cache.reader(world, false);
  std::vector<char> buffer(100'000);
  int64_t most = 0;
  std::string out;
  for (auto state = ByteSource::State::kMore; state == ByteSource::State::kMore;) {
    size_t used = 0;
    state = reader->produce(buffer.data(), buffer.size(), used, Deadline::never());
    out.append(buffer.data(), used);
    cache.add(*reader);
    most = std::max(most, cache.counts.bytes);
    ASSERT_TRUE(out.size() <= 2 * kept || cache.counts.bytes == 0);
  }
  EXPECT_EQ(out, world.whole);
  EXPECT_LE(most, static_cast<int64_t>(kept + (64 << 10)));
  EXPECT_GT(most, static_cast<int64_t>(kept - (64 << 10)));
  EXPECT_EQ(cache.found(world, false), nullptr);
}

TEST(ScrapeCacheTest, ALargeTextIsNotKeptAndNotEvenCopiedByALoneScrape) {
  World world(40'000);  // 5 MB
  for (const BodyPlan& plan : {BodyPlan(), BodyPlan{.text_bytes = 5 << 20}}) {
    SCOPED_TRACE(plan.text_bytes);
    read_large_alone(world, plan);
  }
}

TEST(ScrapeCacheTest, WhatIsReadStaysWhenTheLimitBites) {
  World one(20'000, 1);
  World two(20'000, 2);
  const std::string bytes = alone(one, true);
  Cache cache(bytes.size() + 10'000);  // room for one
  static_cast<void>(cache.read(one, true));
  const auto slow = cache.found(one, true);
  ASSERT_NE(slow, nullptr);
  std::string out(1000, '\0');
  size_t used = 0;
  static_cast<void>(slow->produce(out.data(), out.size(), used, Deadline::never()));
  out.resize(used);
  EXPECT_EQ(text_of(cache.read(two, true)), text_of(alone(two, true)));
  EXPECT_LE(cache.counts.bytes, static_cast<int64_t>(bytes.size() + 10'000 + (16 << 10)));
  EXPECT_EQ(cache.found(two, true), nullptr);  // there was no room
  out += read_all(*slow, 1, 5000);
  EXPECT_EQ(text_of(out), text_of(bytes));
}

TEST(ScrapeCacheTest, OthersHelpWithALargeBody) {
  World world(20'000);
  const std::string bytes = alone(world, true);
  for (const size_t limit : {kMuch, size_t{50'000}}) {
    Cache cache(limit, kHelped);
    EXPECT_FALSE(cache.help());
    auto reader = cache.reader(world, true);
    std::vector<char> buffer(10'000);
    std::string out;
    for (auto state = ByteSource::State::kMore; state == ByteSource::State::kMore;) {
      size_t used = 0;
      state = reader->produce(buffer.data(), buffer.size(), used, Deadline{0});
      out.append(buffer.data(), used);
      cache.add(*reader);
      for (int i = 0; i < 5; ++i) static_cast<void>(cache.help());
    }
    EXPECT_EQ(text_of(out), text_of(bytes));
    EXPECT_GT(cache.counts.texts, 15u);
    EXPECT_GT(cache.counts.helped, cache.counts.texts / 2);
    EXPECT_FALSE(cache.help());
    reader.reset();
    EXPECT_LE(cache.bytes_left(), static_cast<int64_t>(limit));
    EXPECT_EQ(cache.found(world, true) != nullptr, limit == kMuch);
  }
}

TEST(ScrapeCacheTest, AHelperThatDoesNotComeBackHoldsUpNobody) {
  World world(20'000);
  Cache cache(kMuch, kHelped);
  const auto reader = cache.reader(world, true);
  std::vector<char> buffer(10'000);
  size_t used = 0;
  std::string out;
  while (!cache.help()) {
    static_cast<void>(reader->produce(buffer.data(), 1, used, Deadline{0}));
    out.append(buffer.data(), used);
  }
  // It has a block, of which it does no more. What came out is the head; the rest follows.
  out += read_all(*reader, 1, 5000);
  EXPECT_EQ(text_of(out), world.whole);
  EXPECT_EQ(cache.counts.helped, 0u);
  // What it does in the end is not wanted any more.
  while (cache.help()) {
  }
  const auto found = cache.found(world, true);
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(text_of(read_all(*found, 1, 5000)), text_of(alone(world, true)));
}

TEST(ScrapeCacheTest, ALargeBodyWhoseReadersHaveGone) {
  World world(20'000);
  Cache cache(kMuch, kHelped);
  auto reader = cache.reader(world, true);
  std::vector<char> buffer(10'000);
  size_t used = 0;
  for (int i = 0; i < 100; ++i) {
    static_cast<void>(reader->produce(buffer.data(), buffer.size(), used, Deadline{0}));
    if (i % 2 == 0) static_cast<void>(cache.help());
  }
  cache.add(*reader);
  reader.reset();
  while (cache.help()) {
  }
  EXPECT_EQ(cache.bytes_left(), 0);
  const auto next = cache.reader(world, true, 2);
  EXPECT_EQ(text_of(read_all(*next, 1, 5000)), text_of(alone(world, true)));
}

// Anything that scrapers may do, one step after the other.
class Scrapers {
 public:
  Scrapers(uint64_t seed, size_t limit)
      : random_(seed), cache_(limit, {.text_bytes = seed % 5 * 40'000, .helped = seed % 2 == 0}), limit_(limit) {}

  void go(int steps) {
    for (int i = 0; i < steps && !::testing::Test::HasFailure(); ++i) step();
    readers_.clear();
    EXPECT_LE(cache_.bytes_left(), static_cast<int64_t>(limit_));
  }

 private:
  struct Reading {
    std::shared_ptr<World> world;
    std::unique_ptr<BodyReader> reader;
    std::string out;
    bool gzip;
  };

  void step() {
    const uint64_t what = random_() % 100;
    if (what < 2 || world_ == nullptr) {
      world_ = std::make_shared<World>(1 + random_() % 8000, ++mutations_);
      for (const bool gzip : {false, true}) expected_[gzip ? 1 : 0] = alone(*world_, gzip);
    } else if (what < 12 && readers_.size() < 8) {
      const bool gzip = random_() % 2 == 0;
      std::unique_ptr<BodyReader> reader;
      if (random_() % 2 == 0) reader = cache_.found(*world_, gzip);
      if (reader == nullptr) reader = cache_.reader(*world_, gzip, mutations_);
      readers_.push_back({world_, std::move(reader), "", gzip});
      want_.push_back(expected_[gzip ? 1 : 0]);
    } else if (what < 13 && !readers_.empty()) {
      drop(random_() % readers_.size());
    } else if (what < 15) {
      cache_.bytes_left();
    } else if (what < 40) {
      static_cast<void>(cache_.help(random_() % 2 == 0 ? Deadline{0} : Deadline::never()));
    } else if (!readers_.empty()) {
      read(random_() % readers_.size());
    }
    // At the most one block too many for every body that runs, nine compressed ones of one that is work for all; some
    // have run and are not buried yet.
    EXPECT_LE(cache_.counts.bytes, static_cast<int64_t>(limit_ + (readers_.size() + 3) * (160 << 10)));
  }

  void read(size_t which) {
    Reading& reading = readers_[which];
    std::string piece(1 + random_() % 100'000, '\0');
    size_t used = 0;
    const Deadline deadline = random_() % 2 == 0 ? Deadline{0} : Deadline::never();
    const auto state = reading.reader->produce(piece.data(), piece.size(), used, deadline);
    reading.out.append(piece, 0, used);
    cache_.add(*reading.reader);
    if (state == ByteSource::State::kMore) return;
    EXPECT_TRUE(text_of(reading.out) == text_of(want_[which]));
    drop(which);
  }
  void drop(size_t which) {
    cache_.add(*readers_[which].reader);
    readers_.erase(readers_.begin() + static_cast<std::ptrdiff_t>(which));
    want_.erase(want_.begin() + static_cast<std::ptrdiff_t>(which));
  }

  std::mt19937_64 random_;
  Cache cache_;
  size_t limit_;
  uint64_t mutations_ = 0;
  std::shared_ptr<World> world_;
  std::string expected_[2];
  std::vector<Reading> readers_;
  std::vector<std::string> want_;
};

TEST(ScrapeCacheTest, WhateverReadersDo) {
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    Scrapers scrapers(seed, seed % 3 == 0 ? kMuch : seed % 3 == 1 ? 300'000 : 40'000);
    scrapers.go(1500);
    ASSERT_FALSE(HasFailure()) << "seed " << seed;
  }
}

}  // namespace
}  // namespace sluice::render
