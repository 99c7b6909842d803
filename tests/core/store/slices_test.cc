// Large pushes in slices: under a deadline that has passed already every stage gives the thread back again and again,
// and the outcome is that of one long step.
#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "core/store/ops.h"
#include "core/store/store.h"
#include "tests/core/store/testing.h"

namespace sluice::store {
namespace {

using testing::Client;
using testing::Labels;
using testing::Pushed;

constexpr Deadline kPassed{1};
constexpr int kFamilies = 2000;
constexpr int kSeries = 20'000;

const Labels kGroup = {{"job", "t"}, {"group", "a"}};

std::string many_families(const char* prefix, int count, const char* value) {
  std::string text;
  for (int i = 0; i < count; ++i) text += prefix + std::to_string(100'000 + i) + " " + value + "\n";
  return text;
}

std::string many_series(const char* labels, int count) {
  std::string text = "# TYPE many counter\n";
  for (int i = 0; i < count; ++i) {
    text += "many{" + std::string(labels) + "id=\"" + std::to_string(1'000'000 + i) + "\"} 1\n";
  }
  return text;
}

struct Sliced {
  PushResult result;
  int again = 0;
};

// Steps with a deadline that has passed, a quiescent point between any two.
Sliced run(Client& client, const Pushed& pushed, bool replace) {
  Sliced out;
  PushOp op;
  op.start(client.writer(), pushed.request(replace, 1'000'000'000));
  for (;;) {
    const StepResult step = op.step(kPassed);
    if (step == StepResult::kDone) break;
    if (step == StepResult::kAgain) ++out.again;
    client.writer().quiescent();
  }
  out.result = op.result();
  return out;
}

TEST(Slices, ABirthWithManyFamilies) {
  Store store{Options{}};
  Client client(store);
  const Pushed pushed(kGroup, many_families("f_", kFamilies, "1"));
  const Sliced sliced = run(client, pushed, true);
  ASSERT_EQ(sliced.result.status, PushStatus::kOk);
  // The merge, the hash, the registry's search, copy and entry of names, the table of fragments: each 64 families.
  EXPECT_GE(sliced.again, 5 * kFamilies / 64);
  EXPECT_EQ(client.contents().begin()->second.families.size(), size_t{kFamilies});
}

TEST(Slices, AShapeThatTheCacheKnows) {
  Store store{Options{}};
  Client client(store);
  const std::string text = many_families("f_", kFamilies, "1");
  client.put({{"job", "other"}}, text);
  const uint64_t shapes = store.stats().shapes;
  const Sliced sliced = run(client, Pushed(kGroup, text), true);
  ASSERT_EQ(sliced.result.status, PushStatus::kOk);
  EXPECT_GE(sliced.again, 3 * kFamilies / 64);  // merge, hash, comparison
  EXPECT_EQ(store.stats().shapes, shapes);
}

TEST(Slices, AMergeOntoManyFamilies) {
  Store store{Options{}};
  Client client(store);
  client.put(kGroup, many_families("f_", kFamilies, "1"));
  const Sliced sliced = run(client, Pushed(kGroup, many_families("g_", kFamilies, "2")), false);
  ASSERT_EQ(sliced.result.status, PushStatus::kOk);
  EXPECT_GE(sliced.again, 5 * 2 * kFamilies / 64);
  EXPECT_EQ(client.contents().begin()->second.families.size(), size_t{2 * kFamilies});
}

TEST(Slices, AConflictAmongManyFamilies) {
  Store store{Options{}};
  Client client(store);
  client.put({{"job", "other"}}, "# TYPE g_101999 counter\ng_101999 1\n");
  const Sliced sliced = run(client, Pushed(kGroup, many_families("g_", kFamilies, "2")), false);
  ASSERT_EQ(sliced.result.status, PushStatus::kConflict);
  EXPECT_EQ(sliced.result.conflict.kind, model::ConflictKind::kTypeMismatch);
  EXPECT_GE(sliced.again, 3 * kFamilies / 64);
}

// Given up at any moment, a registration leaves the registry so that everybody else finds it right.
TEST(Slices, ARegistrationThatIsGivenUp) {
  for (int steps = 1; steps < 400; steps += 7) {
    Store store{Options{}};
    Client client(store);
    const Pushed pushed(kGroup, many_families("f_", kFamilies, "1"));
    {
      PushOp op;
      op.start(client.writer(), pushed.request(true, 1));
      for (int i = 0; i < steps; ++i) {
        if (op.step(kPassed) == StepResult::kDone) break;
        client.writer().quiescent();
      }
    }
    // Another type for the last of its names: consistent, since nobody has that shape.
    ASSERT_EQ(
        client.put({{"job", "x"}}, "# TYPE f_101999 counter\nf_101999 1\n").status,
        client.contents().contains("group=\"a\",instance=\"\",job=\"t\"") ? PushStatus::kConflict : PushStatus::kOk)
        << steps;
    ASSERT_EQ(client.put({{"job", "y"}}, many_families("h_", 100, "1")).status, PushStatus::kOk) << steps;
  }
}

TEST(Slices, TheDeathOfALargeShapeFreesItsNames) {
  Store store{Options{}};
  Client client(store);
  client.put(kGroup, many_families("f_", kFamilies, "1"));
  ASSERT_TRUE(client.erase(kGroup).existed);
  client.settle();
  // The same names with another type: the dead shape is contested and buried, its names taken out in slices.
  std::string text;
  for (int i = 0; i < kFamilies; ++i) {
    const std::string name = "f_" + std::to_string(100'000 + i);
    text += "# TYPE " + name + " counter\n" + name + " 1\n";
  }
  EXPECT_EQ(run(client, Pushed(kGroup, text), true).result.status, PushStatus::kOk);
  // The registration may have been left to whoever comes next.
  EXPECT_EQ(client.put({{"job", "z"}}, "# TYPE f_100000 gauge\nf_100000 1\n").status, PushStatus::kConflict);
  EXPECT_EQ(client.put({{"job", "z"}}, "# TYPE f_100000 counter\nf_100000 1\n").status, PushStatus::kOk);
}

TEST(Slices, TheProbeOfALargeGroup) {
  Store store{Options{}};
  Client client(store);
  client.put({{"job", "t"}}, many_series("group=\"a\",", kSeries));
  const Sliced clean = run(client, Pushed(kGroup, many_series("x=\"1\",", kSeries)), true);
  ASSERT_EQ(clean.result.status, PushStatus::kOk);
  EXPECT_GE(clean.again, 2 * kSeries / 128);  // the index of ours, the walk over theirs
  std::string text = many_series("x=\"1\",", kSeries);
  text += "many{id=\"1015000\"} 1\n";
  const Pushed duplicate(kGroup, text);
  const Sliced found = run(client, duplicate, true);
  ASSERT_EQ(found.result.status, PushStatus::kConflict);
  EXPECT_EQ(found.result.conflict.kind, model::ConflictKind::kDuplicateSeries);
  // In input order it is the last metric; finding it takes a slice for each 16.
  EXPECT_EQ(found.result.conflict.metric, uint32_t{kSeries});
  EXPECT_GE(found.again, 2 * kSeries / 128 + kSeries / 16);
}

TEST(Slices, TheProjectionOfEachSeries) {
  Store store{Options{}};
  Client client(store);
  client.put({{"job", "t"}, {"id", "1"}}, "small 1\n");
  const Sliced sliced = run(client, Pushed({{"job", "t"}}, many_series("", kSeries)), true);
  ASSERT_EQ(sliced.result.status, PushStatus::kOk);
  EXPECT_GE(sliced.again, kSeries / 16);
}

// The version that a probe compares with is deleted in the middle: it stays readable, and its memory comes back.
TEST(Slices, ADeleteUnderTheProbe) {
  Store store{Options{}};
  Client client(store);
  client.put({{"job", "t"}, {"keep", "1"}}, "small 1\n");
  client.settle();
  const uint64_t bytes = store.stats().bytes;
  client.put({{"job", "t"}}, many_series("group=\"a\",", kSeries));
  const Pushed pushed(kGroup, many_series("x=\"1\",", kSeries));
  PushOp op;
  op.start(client.writer(), pushed.request(true, 1));
  StepResult step = StepResult::kAgain;
  for (int i = 0; i < 500 && step != StepResult::kDone; ++i) {
    step = op.step(kPassed);
    client.writer().quiescent();
  }
  ASSERT_NE(step, StepResult::kDone);
  ASSERT_TRUE(client.erase({{"job", "t"}}).existed);
  client.settle();
  testing::finish(op, client.writer());
  EXPECT_EQ(op.result().status, PushStatus::kOk);
  ASSERT_TRUE(client.erase(kGroup).existed);
  client.settle();
  EXPECT_EQ(store.stats().bytes, bytes);
}

}  // namespace
}  // namespace sluice::store
