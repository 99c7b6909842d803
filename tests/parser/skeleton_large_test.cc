// Skeletons of large bodies: that what comes of them in steps is what parsing gives, and the cache of them.
#include "parser/skeleton_large.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <memory>
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

// A skeleton of `body` that has matched it.
std::unique_ptr<Skeleton> learned_from(std::string_view body, const model::GroupKey& to) {
  auto skeleton = std::make_unique<Skeleton>(kLargeSkeleton);
  Skeleton::Workshop workshop(simd::active_kernel());
  skeleton->begin_make(body);
  EXPECT_EQ(skeleton->step_make(to, workshop, Deadline::never()), SkeletonStep::kYes);
  EXPECT_TRUE(skeleton->match(body));
  return skeleton;
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
  const std::string line = "# " + std::string(2'000, 'x') + "\na 1\n";
  std::string large;
  while (large.size() + line.size() < limits::kSkeletonLargeBodyBytesMax) large += line;
  EXPECT_TRUE(kept(large));
  EXPECT_FALSE(kept(large + line));
  // What stands between two numbers is compared in one piece.
  const std::string gap = "# " + std::string(kLargeSkeleton.gap_bytes, 'x') + "\n";
  EXPECT_FALSE(kept(gap + "a 1\nb 2\n"));
  EXPECT_FALSE(kept("a 1\n" + gap + "b 2\n"));
  EXPECT_FALSE(kept("a 1\nb 2\n" + gap));
  EXPECT_TRUE(kept("# x\na 1\n# x\nb 2\n# x\n"));
}

// A number that takes long to read is the parser's, which has a limit for it.
TEST(LargeSkeleton, LeavesLongNumbers) {
  const std::string body = body_of(1, 5);
  const size_t at = body.find(' ', body.size() / 2) + 1;
  const size_t there = body.find('\n', at) - at;
  for (const size_t digits : {100u, 127u, 128u, 129u, 70'000u, 2'000'000u}) {
    std::string other = body;
    other.insert(at, "1." + std::string(digits - 2 - there, '0'));
    const SkeletonPair pair = compare_by_large_skeleton(body, key(), other, key());
    EXPECT_EQ(pair.difference, "");
    EXPECT_EQ(pair.matched, digits <= 128) << digits;
  }
}

// A template whose parts would make long pieces is not made; without it a body is compared all the same.
TEST(LargeSkeleton, HasNoTemplateBeyondItsBounds) {
  const auto writes = [](const std::string& body, const model::GroupKey& to) {
    const auto skeleton = learned_from(body, to);
    model::CanonicalPush push;
    return skeleton->begin_write(to, push, UINT64_MAX) &&
           skeleton->step_write(push, Deadline::never()) == SkeletonStep::kYes;
  };
  std::string families;
  for (size_t i = 0; i < kLargeSkeleton.families; ++i) families += fmt::format("a{} 1\n", i);
  EXPECT_TRUE(writes(families, key()));
  EXPECT_FALSE(writes(families + "b 1\n", key()));
  std::vector<std::string> names;
  for (size_t i = 0; i < kLargeSkeleton.key_labels; ++i) names.push_back(fmt::format("label_{}", i));
  const auto key_of = [&](size_t count) {
    std::vector<model::LabelPair> labels = {{"job", "t"}};
    for (size_t i = 1; i < count; ++i) labels.push_back({names[i - 1], "v"});
    return model::GroupKey::from_labels(labels);
  };
  EXPECT_TRUE(writes(body_of(1, 1), key_of(kLargeSkeleton.key_labels)));
  EXPECT_FALSE(writes(body_of(1, 1), key_of(kLargeSkeleton.key_labels + 1)));
  // What the push expands to is known before it is written.
  const std::string long_value(40'000, 'x');
  EXPECT_FALSE(writes(body_of(1, 1), model::GroupKey::from_labels({{"job", long_value}})));
}

// Of a push that expands beyond a limit the canonicaliser says so.
TEST(LargeSkeleton, LeavesWhatExpandsTooMuch) {
  const std::string body = body_of(1, 5);
  const auto learned = learned_from(body, key());
  Skeleton& skeleton = *learned;
  model::CanonicalPush push;
  EXPECT_TRUE(skeleton.begin_write(key(), push, 16 * 1024 * 1024));
  ASSERT_EQ(skeleton.step_write(push, Deadline::never()), SkeletonStep::kYes);
  EXPECT_FALSE(skeleton.begin_write(key(), push, push.used_bytes));
}

// It never writes what the canonicaliser would refuse, however little of what counts is in the push.
TEST(LargeSkeleton, CountsAtLeastWhatTheCanonicaliserCounts) {
  std::string times;  // are not stored
  for (int i = 0; i < 300; ++i) times += fmt::format("push_time_seconds{{a=\"{}\"}} 1\n", i);
  std::string overwritten;
  for (int i = 0; i < 300; ++i) overwritten += fmt::format("a{{b=\"{}\",job=\"{}\"}} 1\n", i, std::string(500, 'x'));
  std::string empty;
  for (int i = 0; i < 200; ++i) empty += fmt::format("# TYPE a{} gauge\n", i);
  std::string points = "# TYPE h histogram\n";
  for (int i = 0; i < 300; ++i) points += fmt::format("h_bucket{{b=\"{}\",le=\"1\"}} 1\n", i);
  const model::GroupKey large = model::GroupKey::from_labels({{"job", std::string(3000, 'y')}});
  for (const std::string& body : {times + "x 1\n", overwritten, empty + "x 1\n", points, body_of(1, 5)}) {
    for (const model::GroupKey* to : {&key(), &large}) {
      const auto learned = learned_from(body, *to);
      Skeleton& skeleton = *learned;
      limits::Values values = limits::kLargest;
      bool refused = false;
      bool written = false;
      for (uint64_t most = 1024; most < 64 * 1024 * 1024; most += most / 4) {
        values.set(limits::Limit::kExpandedBytes, most);
        Canonicaliser canonicaliser;
        model::CanonicalPush wanted;
        canonicaliser.begin(skeleton.families(), *to, wanted, true, values);
        const bool taken = canonicaliser.step(Deadline::never()) == Canonicaliser::State::kDone;
        model::CanonicalPush push;
        const bool begun = skeleton.begin_write(*to, push, most);
        EXPECT_TRUE(taken || !begun) << most;
        refused = refused || !taken;
        written = written || begun;
      }
      EXPECT_TRUE(refused);
      EXPECT_EQ(written, skeleton.begin_write(*to, *std::make_unique<model::CanonicalPush>(), UINT64_MAX));
    }
  }
}

// The hashes of the last key's series are kept: they must be those of a key whose push was written to its end.
TEST(LargeSkeleton, WhatWasGivenUpLeavesNoHashes) {
  const std::string body = body_of(1, 5);
  const auto learned = learned_from(body, key());
  Skeleton& skeleton = *learned;
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

// A slot that was empty for long has no age.
TEST(LargeSkeletons, WhatIsNewIsNotOld) {
  LargeSkeletons cache;
  for (uint32_t second = 0; second < 10 * limits::kSkeletonLargeSeconds; ++second) cache.age();
  push(cache, body_of(1, 1));
  push(cache, body_of(1, 1));
  for (uint32_t second = 0; second < limits::kSkeletonLargeSeconds; ++second) cache.age();
  EXPECT_TRUE(push(cache, body_of(1, 1)));
}

TEST(LargeSkeletons, DropsOneAtATimeAndNoneThatIsLent) {
  LargeSkeletons cache;
  for (const int kind : {1, 2, 3}) {
    push(cache, body_of(kind, 1));
    push(cache, body_of(kind, 1));
  }
  const std::string body = body_of(1, 3);
  SkeletonLoan loan = cache.find(body);
  ASSERT_TRUE(loan);
  cache.drop_one();
  EXPECT_NE(static_cast<bool>(cache.find(body_of(2, 1))), static_cast<bool>(cache.find(body_of(3, 1))));
  cache.drop_one();
  cache.drop_one();
  for (uint32_t second = 0; second <= limits::kSkeletonLargeSeconds; ++second) cache.age();
  loan.give_back();
  EXPECT_TRUE(cache.find(body));
  EXPECT_FALSE(cache.find(body_of(2, 1)));
  EXPECT_FALSE(cache.find(body_of(3, 1)));
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

// Nor do keys whose names take turns, which would cost a lesson each time.
TEST(LargeSkeletons, NamesThatTakeTurns) {
  LargeSkeletons cache;
  const std::string body = body_of(1, 1);
  const model::GroupKey other = model::GroupKey::from_labels({{"job", "t"}, {"zone", "z"}});
  int lessons = 0;
  model::CanonicalPush out;
  for (int round = 0; round < 400; ++round) {
    const model::GroupKey& to = round / 8 % 2 == 0 ? key() : other;
    if (SkeletonLoan loan = cache.find(body)) {
      ASSERT_EQ(loan->step_match(Deadline::never()), SkeletonStep::kYes);
      cache.note_match(loan);
      static_cast<void>(loan->begin_write(to, out, UINT64_MAX));
      continue;
    }
    LargeSkeletons::Lesson lesson = cache.learn(body);
    lessons += lesson ? 1 : 0;
    while (lesson && !lesson.step(to, Deadline::never())) {
    }
  }
  EXPECT_LT(lessons, 15);
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
