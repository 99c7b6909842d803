#include "tests/core/store/churn.h"

#include <malloc.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <thread>

#include "core/base/check.h"
#include "core/model/group_key.h"

namespace sluice::store::testing {
namespace {

constexpr unsigned kLanes = 8;
constexpr uint64_t kLaneBits = 8;
constexpr uint64_t kOperationsPerLane = 512;  // before a thread changes to another
constexpr uint64_t kOperationsPerTurn = 16;
constexpr size_t kSamplesMax = 40;
constexpr size_t kTexts = 8;

std::string body_of(size_t samples, size_t text) {
  std::string body;
  const size_t families = 1 + (samples * 7 + text) % 8;
  for (size_t family = 0; family < families && family < samples; ++family) {
    for (size_t i = family; i < samples; i += families) {
      body += "function_metric_" + std::to_string(family) + "{path=\"/" + std::string(text * 9 + samples % 7, 'p') +
              "\",n=\"" + std::to_string(i) + "\"} " + std::to_string(samples * 1000 + i) + "\n";
    }
  }
  return body;
}

model::GroupKey key_of_number(uint64_t number) {
  return key_of({{"job", "fleet"}, {"instance", "i-" + std::to_string(number * 2654435761 % 1000000007)}});
}

}  // namespace

Footprint footprint_of(const Store& store) {
  Footprint footprint;
  footprint.store_bytes = store.stats().bytes;
  footprint.held_bytes = store.stats().held_bytes;
  const struct mallinfo2 info = ::mallinfo2();
  footprint.in_use_bytes = info.uordblks + info.hblkhd;
  footprint.from_system = info.arena + info.hblkhd;
  uint64_t size = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> size >> resident;
  footprint.resident_bytes = resident * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  return footprint;
}

Churn::Churn(size_t groups, unsigned threads, uint64_t seed) : groups_(groups), threads_(threads), seed_(seed) {
  Options options;
  options.writers_max = threads + 1;
  store_ = std::make_unique<Store>(options);
  bodies_.resize(kSamplesMax * kTexts);
  for (size_t samples = 1; samples <= kSamplesMax; ++samples) {
    for (size_t text = 0; text < kTexts; ++text) {
      const Labels labels{{"job", "fleet"}, {"instance", "i-100000000"}};
      bodies_[(samples - 1) * kTexts + text] = std::make_unique<Pushed>(labels, body_of(samples, text));
    }
  }
  lanes_.reserve(kLanes);
  for (unsigned number = 0; number < kLanes; ++number) {
    lanes_.push_back(std::make_unique<Lane>());
    lanes_.back()->next = number;
  }
}

Churn::~Churn() = default;

void Churn::run(uint64_t operations) {
  std::vector<std::thread> threads;
  threads.reserve(threads_);
  for (unsigned i = 0; i < threads_; ++i) {
    threads.emplace_back([this, share = operations / threads_, seed = ++seed_] { run_thread(share, seed); });
  }
  for (std::thread& thread : threads) thread.join();
  operations_ += operations / threads_ * threads_;
  free_retired();
}

void Churn::run_in_turns(uint64_t operations, unsigned turns) {
  std::atomic<unsigned> turn{0};
  std::vector<std::thread> threads;
  threads.reserve(threads_);
  for (unsigned me = 0; me < threads_; ++me) {
    threads.emplace_back([this, &turn, me, operations, turns, seed = seed_] {
      for (unsigned mine = me; mine < turns; mine += threads_) {
        // Acquire: the turns before have happened; the end of each is a release.
        for (unsigned now = turn.load(std::memory_order_acquire); now != mine;
             now = turn.load(std::memory_order_acquire)) {
          turn.wait(now, std::memory_order_acquire);
        }
        run_thread(operations, seed + 1 + mine);
        free_retired();
        turn.store(mine + 1, std::memory_order_release);
        turn.notify_all();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  seed_ += turns;
  operations_ += operations * turns;
}

void Churn::free_retired() {
  Writer writer(*store_);
  while (store_->stats().versions_retired != 0) writer.quiescent();
}

void Churn::run_thread(uint64_t operations, uint64_t seed) {
  Writer writer(*store_);
  std::mt19937_64 random(seed);
  for (uint64_t done = 0; done < operations;) {
    Lane& lane = *lanes_[random() % kLanes];
    const std::unique_lock lock(lane.mutex, std::try_to_lock);
    if (!lock.owns_lock()) continue;
    run_lane(lane, writer, random);
    done += kOperationsPerLane;
    const uint64_t retired = store_->stats().versions_retired;
    // Relaxed: a figure; a smaller one that overwrites a larger one now and then does no harm.
    if (retired > retired_max()) retired_max_.store(retired, std::memory_order_relaxed);
  }
}

void Churn::run_lane(Lane& lane, Writer& writer, std::mt19937_64& random) {
  for (uint64_t done = 0; done < kOperationsPerLane; ++done) {
    if (done % kOperationsPerTurn == 0) writer.quiescent();
    if (lane.alive.size() < groups_ / kLanes) {
      lane.alive.push_back(lane.next);
      push(writer, lane.next, true, random);
      lane.next += kLanes;
      continue;
    }
    const uint64_t drawn = random();
    uint64_t& group = lane.alive[(drawn >> kLaneBits) % lane.alive.size()];
    if (drawn % 10 != 0) {
      push(writer, group, drawn % 2 == 0, random);
      continue;
    }
    SLUICE_CHECK(erase_group(writer, key_of_number(group)).existed);
    group = lane.next;
    lane.next += kLanes;
    push(writer, group, true, random);
    ++done;
  }
}

void Churn::push(Writer& writer, uint64_t group, bool replace, std::mt19937_64& random) {
  const Pushed& body = *bodies_[random() % bodies_.size()];
  const model::GroupKey key = key_of_number(group);
  PushOp op;
  // The text says the labels of another group: the store does not look at it.
  op.start(writer, {key, body.families, body.push, replace, 1'790'000'000'000'000'000});
  finish(op, writer);
  SLUICE_CHECK(op.result().status == PushStatus::kOk);
}

}  // namespace sluice::store::testing
