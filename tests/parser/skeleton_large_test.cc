// Skeletons of large bodies: that what comes of them in steps is what parsing gives, and the cache of them.
#include "parser/skeleton_large.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <utility>
#include <vector>

#include "core/model/group_key.h"
#include "parser/canonical.h"
#include "parser/text_parser.h"
#include "tests/parser/fast_bodies.h"
#include "tests/parser/skeleton_pairs.h"

namespace sluice::parser::test {
namespace {

constexpr Deadline kPassed{0};

const model::GroupKey& key() {
  static const model::GroupKey made = model::GroupKey::from_labels({{"job", "t"}, {"instance", "i"}});
  return made;
}
const model::GroupKey& other_key() {
  static const model::GroupKey made = model::GroupKey::from_labels({{"job", "u"}, {"instance", "a\"b"}});
  return made;
}

// Some 40 KB of one kind, whose numbers count from `value`.
std::string body_of(int kind, int value) {
  std::string body = fmt::format("# TYPE batch_{} gauge\n", kind);
  for (int i = 0; i < 600; ++i) {
    body +=
        fmt::format("batch_{}{{host=\"host-{}\",region=\"eu-west-1\",stage=\"production\"}} {}\n", kind, i, value + i);
  }
  return body;
}

// Other numbers of as many digits.
std::string with_other_digits(std::string body) {
  bool in_number = false;
  for (size_t at = body.size(); at-- != 0;) {
    if (body[at] == '\n') in_number = true;
    if (body[at] == ' ') in_number = false;
    if (in_number && body[at] >= '1' && body[at] <= '8') ++body[at];
  }
  return body;
}

// As a push does it. Whether there was a skeleton.
bool push(LargeSkeletons& cache, std::string_view body, const model::GroupKey& to = key()) {
  SkeletonLoan loan = cache.find(body);
  while (loan) {
    SkeletonStep step;
    do {
      step = loan->step_match(kPassed);
    } while (step == SkeletonStep::kMore);
    if (step == SkeletonStep::kYes) {
      cache.note_match(loan);
      return true;
    }
    loan = cache.find_next(body, std::move(loan));
  }
  LargeSkeletons::Lesson lesson = cache.learn(body);
  while (lesson && !lesson.step(to, kPassed)) {
  }
  return false;
}

TEST(LargeSkeleton, RandomPairs) {
  const uint64_t seed = std::random_device{}();
  printf("seed %lu\n", static_cast<unsigned long>(seed));
  std::mt19937_64 random(seed);
  size_t kept = 0;
  size_t matched = 0;
  size_t written = 0;
  for (int round = 0; round < 300; ++round) {
    std::string body = random() % 2 == 0 ? gauges_body(1 + static_cast<int>(random() % 300), random())
                                         : histograms_body(1 + static_cast<int>(random() % 20), random());
    for (uint64_t parts = random() % 3; parts != 0; --parts) body += random_body(random, 40);
    std::string other = random() % 2 == 0 ? renumbered(body, random) : with_other_digits(body);
    if (random() % 4 == 0) other = mutated(std::move(other), random);
    const model::GroupKey& second = random() % 2 == 0 ? key() : other_key();
    const SkeletonPair pair = compare_by_large_skeleton(body, key(), other, second);
    ASSERT_EQ(pair.difference, "") << "seed " << seed << " round " << round << "\n" << body;
    kept += pair.kept ? 1 : 0;
    matched += pair.matched ? 1 : 0;
    written += pair.written ? 1 : 0;
  }
  EXPECT_GT(kept, 50u);
  EXPECT_GT(matched, 20u);
  EXPECT_GT(written, 5u);
  printf("%zu kept, %zu matched, %zu written\n", kept, matched, written);
}

TEST(LargeSkeleton, BodiesAsClientsWriteThem) {
  for (const std::string& body : {gauges_body(3000, 1), histograms_body(100, 1), body_of(1, 5)}) {
    for (const model::GroupKey* second : {&key(), &other_key()}) {
      const SkeletonPair pair = compare_by_large_skeleton(body, key(), with_other_digits(body), *second);
      EXPECT_EQ(pair.difference, "");
      EXPECT_TRUE(pair.written);
    }
  }
}

// A step is short: none of them does more than a part of the work.
TEST(LargeSkeleton, GoesInSteps) {
  const std::string body = body_of(1, 5);
  Skeleton skeleton(kLargeSkeleton);
  Skeleton::Workshop workshop(simd::active_kernel());
  skeleton.begin_make(body);
  const auto steps = [](auto step) {
    size_t count = 1;
    while (step() == SkeletonStep::kMore) ++count;
    return count;
  };
  EXPECT_GT(steps([&] { return skeleton.step_make(key(), workshop, kPassed); }), 40u);
  skeleton.begin_match(body);
  EXPECT_GE(steps([&] { return skeleton.step_match(kPassed); }), 600u / 128);
  model::CanonicalPush push;
  ASSERT_TRUE(skeleton.begin_write(key(), push, UINT64_MAX));
  EXPECT_GE(steps([&] { return skeleton.step_write(push, kPassed); }), 600u / 128);
  EXPECT_EQ(push.samples, 600u);
  size_t reads = 1;
  while (!skeleton.step_read(kPassed)) ++reads;
  EXPECT_GE(reads, 600u / 128);
}

TEST(LargeSkeleton, KeepsNoMoreThanItsBounds) {
  const auto kept = [](const std::string& body) {
    Skeleton skeleton(kLargeSkeleton);
    Skeleton::Workshop workshop(simd::active_kernel());
    skeleton.begin_make(body);
    return skeleton.step_make(key(), workshop, Deadline::never()) == SkeletonStep::kYes;
  };
  std::string many;
  for (size_t i = 0; i < limits::kSkeletonLargeNumbersMax; ++i) many += "a{b=\"" + std::to_string(i) + "\"} 1\n";
  EXPECT_TRUE(kept(many));
  EXPECT_FALSE(kept(many + "c 1\n"));
  const std::string line = "a{b=\"" + std::string(10'000, 'x') + "\"} 1\n";
  std::string large;
  while (large.size() + line.size() < limits::kSkeletonLargeBodyBytesMax) large += "# " + line;
  EXPECT_FALSE(kept(large));  // no number
  EXPECT_TRUE(kept(large + "a 1\n"));
  EXPECT_FALSE(kept(large + "# " + line + "a 1\n"));
}

// Of a push that expands beyond a limit the canonicaliser says so.
TEST(LargeSkeleton, LeavesWhatExpandsTooMuch) {
  const std::string body = body_of(1, 5);
  Skeleton skeleton(kLargeSkeleton);
  Skeleton::Workshop workshop(simd::active_kernel());
  skeleton.begin_make(body);
  ASSERT_EQ(skeleton.step_make(key(), workshop, Deadline::never()), SkeletonStep::kYes);
  ASSERT_TRUE(skeleton.match(body));
  model::CanonicalPush push;
  EXPECT_TRUE(skeleton.begin_write(key(), push, 1024 * 1024));
  ASSERT_EQ(skeleton.step_write(push, Deadline::never()), SkeletonStep::kYes);
  // Whatever the canonicaliser may take is written only if it does.
  limits::Values values = limits::kLargest;
  for (uint64_t most = push.used_bytes / 2; most < 8 * push.used_bytes; most += push.used_bytes / 8) {
    values.set(limits::Limit::kExpandedBytes, most);
    Canonicaliser canonicaliser;
    model::CanonicalPush wanted;
    canonicaliser.begin(skeleton.families(), key(), wanted, true, values);
    const bool taken = canonicaliser.step(Deadline::never()) == Canonicaliser::State::kDone;
    EXPECT_TRUE(taken || !skeleton.begin_write(key(), push, most)) << most;
  }
  EXPECT_FALSE(skeleton.begin_write(key(), push, push.used_bytes));
}

// The hashes of the last key's series are kept: they must be those of a key whose push was written to its end.
TEST(LargeSkeleton, WhatWasGivenUpLeavesNoHashes) {
  const std::string body = body_of(1, 5);
  Skeleton skeleton(kLargeSkeleton);
  Skeleton::Workshop workshop(simd::active_kernel());
  skeleton.begin_make(body);
  ASSERT_EQ(skeleton.step_make(key(), workshop, Deadline::never()), SkeletonStep::kYes);
  ASSERT_TRUE(skeleton.match(body));
  const auto written = [&](const model::GroupKey& to) {
    model::CanonicalPush push;
    EXPECT_TRUE(skeleton.begin_write(to, push, UINT64_MAX));
    EXPECT_EQ(skeleton.step_write(push, Deadline::never()), SkeletonStep::kYes);
    return std::string(reinterpret_cast<const char*>(push.bytes()), push.used_bytes);
  };
  const auto give_up = [&](const model::GroupKey& to) {
    model::CanonicalPush push;
    ASSERT_TRUE(skeleton.begin_write(to, push, UINT64_MAX));
    ASSERT_EQ(skeleton.step_write(push, kPassed), SkeletonStep::kMore);
  };
  const auto wanted = [&](const model::GroupKey& to) {
    Canonicaliser canonicaliser;
    model::CanonicalPush push;
    canonicaliser.begin(skeleton.families(), to, push);
    EXPECT_EQ(canonicaliser.step(Deadline::never()), Canonicaliser::State::kDone);
    return std::string(reinterpret_cast<const char*>(push.bytes()), push.used_bytes);
  };
  EXPECT_TRUE(written(key()) == wanted(key()));
  give_up(other_key());
  EXPECT_TRUE(written(key()) == wanted(key()));
  give_up(other_key());
  EXPECT_TRUE(written(other_key()) == wanted(other_key()));
  EXPECT_TRUE(written(other_key()) == wanted(other_key()));
  give_up(other_key());
  EXPECT_TRUE(written(other_key()) == wanted(other_key()));
  EXPECT_TRUE(written(key()) == wanted(key()));
}

TEST(LargeSkeletons, LearnsTheSecondTime) {
  LargeSkeletons cache;
  EXPECT_FALSE(push(cache, body_of(1, 1)));
  EXPECT_FALSE(push(cache, body_of(1, 2)));
  EXPECT_TRUE(push(cache, body_of(1, 3)));
  EXPECT_FALSE(push(cache, body_of(2, 1)));
  EXPECT_TRUE(push(cache, body_of(1, 4)));
  EXPECT_FALSE(push(cache, gauges_body(10, 1)));
  EXPECT_FALSE(push(cache, gauges_body(10, 1)));
  EXPECT_FALSE(push(cache, gauges_body(10, 1)));
}

TEST(LargeSkeletons, LendsToOneAtATimeAndKeepsMoreOfOneKind) {
  LargeSkeletons cache;
  const std::string body = body_of(1, 1);
  push(cache, body);
  push(cache, body);
  SkeletonLoan first = cache.find(body);
  ASSERT_TRUE(first);
  EXPECT_FALSE(cache.find(body));
  // Whoever found none meanwhile makes another.
  EXPECT_FALSE(push(cache, body));
  SkeletonLoan second = cache.find(body);
  EXPECT_TRUE(second);
  EXPECT_FALSE(cache.find(body));
}

TEST(LargeSkeletons, OneLessonAtATime) {
  LargeSkeletons cache;
  push(cache, body_of(1, 1));
  push(cache, body_of(2, 1));
  const std::string body = body_of(1, 2);
  const std::string other = body_of(2, 2);
  {
    LargeSkeletons::Lesson lesson = cache.learn(body);
    ASSERT_TRUE(lesson);
    EXPECT_FALSE(lesson.step(key(), kPassed));
    EXPECT_FALSE(cache.learn(other));
    // The client goes: the lesson is given up.
    LargeSkeletons::Lesson moved = std::move(lesson);
    EXPECT_TRUE(moved);
    EXPECT_FALSE(lesson);
  }
  EXPECT_FALSE(cache.find(body));
  for (int round = 0; round < 4 && !push(cache, other); ++round) {
  }
  EXPECT_TRUE(push(cache, other));
}

TEST(LargeSkeletons, DropsWhatIsOfNoUse) {
  LargeSkeletons cache;
  const std::string body = body_of(1, 1);
  push(cache, body);
  push(cache, body);
  for (uint32_t second = 0; second < limits::kSkeletonLargeSeconds; ++second) cache.age();
  EXPECT_TRUE(cache.find(body));
  for (uint32_t second = 0; second < limits::kSkeletonLargeSeconds; ++second) cache.age();
  EXPECT_TRUE(cache.find(body));
  for (uint32_t second = 0; second <= limits::kSkeletonLargeSeconds; ++second) cache.age();
  EXPECT_FALSE(cache.find(body));
}

TEST(LargeSkeletons, DropsAllButWhatIsLent) {
  LargeSkeletons cache;
  for (const int kind : {1, 2}) {
    push(cache, body_of(kind, 1));
    push(cache, body_of(kind, 1));
  }
  const std::string body = body_of(1, 3);
  SkeletonLoan loan = cache.find(body);
  ASSERT_TRUE(loan);
  cache.drop_all();
  for (uint32_t second = 0; second <= limits::kSkeletonLargeSeconds; ++second) cache.age();
  loan.give_back();
  EXPECT_TRUE(cache.find(body));
  EXPECT_FALSE(cache.find(body_of(2, 1)));
}

// A template for names that nobody pushes any more makes room for one that is of use.
TEST(LargeSkeletons, FollowsTheNamesOfTheKey) {
  LargeSkeletons cache;
  const std::string body = body_of(1, 1);
  const model::GroupKey other = model::GroupKey::from_labels({{"job", "t"}, {"zone", "z"}});
  push(cache, body);
  push(cache, body);
  model::CanonicalPush out;
  const auto is_written = [&] {
    SkeletonLoan loan = cache.find(body);
    return loan && loan->step_match(Deadline::never()) == SkeletonStep::kYes &&
           loan->begin_write(other, out, UINT64_MAX);
  };
  for (int round = 0; round < 8; ++round) EXPECT_FALSE(is_written());
  EXPECT_FALSE(cache.find(body));
  for (int round = 0; round < 4 && !push(cache, body, other); ++round) {
  }
  EXPECT_TRUE(is_written());
}

// Bodies that never repeat make few skeletons.
TEST(LargeSkeletons, BodiesThatNeverRepeat) {
  LargeSkeletons cache;
  int lessons = 0;
  for (int round = 0; round < 300; ++round) {
    std::string body = body_of(1, 1);
    body += fmt::format("other_{} 1\n", round);
    for (SkeletonLoan loan = cache.find(body); loan; loan = cache.find_next(body, std::move(loan))) {
      ASSERT_EQ(loan->step_match(Deadline::never()), SkeletonStep::kNo);
    }
    LargeSkeletons::Lesson lesson = cache.learn(body);
    if (lesson) {
      ++lessons;
      while (!lesson.step(key(), Deadline::never())) {
      }
    }
  }
  EXPECT_GT(lessons, 2);
  EXPECT_LT(lessons, 60);
}

}  // namespace
}  // namespace sluice::parser::test
