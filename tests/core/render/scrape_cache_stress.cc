// Scrapers of several threads share bodies while the state changes under them: every one gets the bytes of its state,
// and a body's source is only read while somebody holds its snapshot.
#include <atomic>
#include <cstdio>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
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
using testing::TextSource;

constexpr int kThreads = 4;
constexpr int kScrapes = 60;  // of each

// A state of the store, and one snapshot of it.
struct Snapshot {
  explicit Snapshot(uint64_t number) : mutations(number) {
    const std::string text = metrics_text(1500 + number % 7 * 500, number);
    pushed = {{2, text.substr(0, text.size() / 3)}, {4, text.substr(text.size() / 3)}};
    own = {{1, "own_a 1\n"}, {3, "own_b 1\n"}, {5, "own_c 1\n"}};
    whole = own[0].second + pushed[0].second + own[1].second + pushed[1].second + own[2].second;
  }
  uint64_t mutations;
  Places pushed;
  Places own;
  std::string whole;
};

class Store {
 public:
  std::shared_ptr<Snapshot> now() {
    const std::lock_guard hold(lock_);
    return snapshot_;
  }
  void change() {
    const std::lock_guard hold(lock_);
    snapshot_ = std::make_shared<Snapshot>(snapshot_->mutations + 1);
  }

 private:
  std::mutex lock_;
  std::shared_ptr<Snapshot> snapshot_ = std::make_shared<Snapshot>(1);
};

class Scraper {
 public:
  Scraper(Store& store, ScrapeCache& cache, uint64_t seed) : store_(store), cache_(cache), random_(seed) {}

  void run() {
    for (int i = 0; i < kScrapes; ++i) {
      if (random_() % 4 == 0) store_.change();
      scrape();
    }
  }
  [[nodiscard]] const CacheCounts& counts() const { return counts_; }
  [[nodiscard]] uint64_t wrong() const { return wrong_; }

 private:
  void scrape() {
    auto snapshot = store_.now();
    const bool gzip = random_() % 2 == 0;
    const BodyKey key{.mutations = snapshot->mutations, .own_names = 1, .form = 0, .gzip = gzip, .part = {}};
    const auto own = std::make_unique<TextSource>(snapshot->own, random_());
    BodyRef body;
    std::unique_ptr<BodyReader> reader;
    if (random_() % 2 == 0 && cache_.find(key, body) == ScrapeCache::Found::kYes) {
      ++counts_.hits;
      reader = std::make_unique<BodyReader>(cache_, helper_, std::move(body),
                                            std::make_unique<TextSource>(snapshot->own, random_()), MakeSource());
    } else {
      // Weak: that somebody holds the snapshot is what is tested.
      const std::weak_ptr<Snapshot> weak = snapshot;
      const MakeSource make = [weak, seed = random_()] {
        const auto held = weak.lock();
        if (held == nullptr) std::abort();
        return std::make_unique<TextSource>(held->pushed, seed, [weak] {
          if (weak.expired()) std::abort();
        });
      };
      while (!cache_.acquire(key, snapshot->mutations, {.text_bytes = 0, .helped = random_() % 2 == 0}, make, body,
                             counts_))
        std::this_thread::yield();
      reader = std::make_unique<BodyReader>(cache_, helper_, std::move(body),
                                            std::make_unique<TextSource>(snapshot->own, random_()), make);
    }
    read(*reader, *snapshot, gzip);
  }

  void read(BodyReader& reader, const Snapshot& snapshot, bool gzip) {
    const bool leaves = random_() % 8 == 0;
    const size_t capacity = 1 + random_() % 90'000;
    std::string out;
    std::string buffer(capacity, '\0');
    for (auto state = ByteSource::State::kMore; state == ByteSource::State::kMore;) {
      size_t used = 0;
      state = reader.produce(buffer.data(), capacity, used, Deadline{0});
      out.append(buffer, 0, used);
      add(reader.take_counts());
      if (leaves && random_() % 16 == 0) return;
      if (random_() % 4 == 0) static_cast<void>(cache_.help(helper_, Deadline{0}, counts_));
      if (used == 0) std::this_thread::yield();
    }
    if ((gzip ? inflate_one(out) : out) != snapshot.whole) ++wrong_;
  }
  void add(const CacheCounts& more) {
    counts_.hits += more.hits;
    counts_.joins += more.joins;
    counts_.misses += more.misses;
    counts_.bytes += more.bytes;
  }

  Store& store_;
  ScrapeCache& cache_;
  std::mt19937_64 random_;
  ScrapeHelper helper_;
  CacheCounts counts_;
  uint64_t wrong_ = 0;
};

TEST(ScrapeCacheStress, EveryScrapeHasTheBytesOfItsState) {
  const uint64_t seed = std::random_device()();
  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  for (const size_t limit : {size_t{64} << 20, size_t{100'000}}) {
    Store store;
    ScrapeCache cache(limit);
    std::vector<std::unique_ptr<Scraper>> scrapers;
    scrapers.reserve(kThreads);
    for (uint64_t i = 0; i < kThreads; ++i) {
      scrapers.push_back(std::make_unique<Scraper>(store, cache, seed + 1000 * i));
    }
    std::vector<std::thread> threads;
    threads.reserve(kThreads);
    for (auto& scraper : scrapers) threads.emplace_back([&scraper] { scraper->run(); });
    for (std::thread& thread : threads) thread.join();
    CacheCounts sum;
    for (const auto& scraper : scrapers) {
      EXPECT_EQ(scraper->wrong(), 0u);
      sum.hits += scraper->counts().hits;
      sum.joins += scraper->counts().joins;
      sum.misses += scraper->counts().misses;
      sum.bytes += scraper->counts().bytes;
    }
    EXPECT_EQ(sum.hits + sum.joins + sum.misses, uint64_t{kThreads} * kScrapes);
    EXPECT_GT(sum.hits + sum.joins, 0u);
    for (int i = 0; i < 100; ++i) cache.housekeep(sum);
    EXPECT_LE(sum.bytes, static_cast<int64_t>(limit));
    EXPECT_GE(sum.bytes, 0);
  }
}

}  // namespace
}  // namespace sluice::render
