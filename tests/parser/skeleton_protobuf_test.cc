// Skeletons of protobuf bodies: what they keep, what matches them, and that what comes of a match is what parsing
// gives.
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "core/model/group_key.h"
#include "parser/skeleton.h"
#include "parser/skeleton_cache.h"
#include "parser/text_parser.h"
#include "tests/parser/fast_bodies.h"
#include "tests/parser/fast_families.h"
#include "tests/parser/protobuf_bodies.h"
#include "tests/parser/skeleton_pairs.h"

namespace sluice::parser::test {
namespace {

using Form = SkeletonCache::Form;

const model::GroupKey& key() {
  static const model::GroupKey made = model::GroupKey::from_labels({{"job", "t"}, {"instance", "i"}});
  return made;
}

// The families of a text body as protobuf; empty when the text is malformed.
std::string as_protobuf(std::string_view text) {
  TextParser parser;
  model::Families families;
  parser.start(text, NameScheme::kLegacy, families);
  return parser.step(Deadline::never()) == TextParser::Step::kDone ? protobuf_body(families) : std::string();
}

SkeletonPair compare(std::string_view first, std::string_view second) {
  return compare_protobuf_by_skeleton(first, key(), second, key());
}

bool matches(std::string_view first_text, std::string_view second_text) {
  const SkeletonPair pair = compare(as_protobuf(first_text), as_protobuf(second_text));
  EXPECT_TRUE(pair.kept) << first_text;
  EXPECT_EQ(pair.difference, "");
  return pair.matched;
}

bool kept(std::string_view body) {
  ProtobufParser parser;
  Skeleton skeleton;
  return skeleton.make(body, parser);
}

constexpr std::string_view kHistogram =
    "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n";

TEST(SkeletonProtobuf, KeepsWhatTextSays) {
  EXPECT_TRUE(kept(as_protobuf("a 1\n")));
  EXPECT_TRUE(kept(as_protobuf(gauges_body(10, 1))));
  EXPECT_TRUE(kept(as_protobuf(kHistogram)));
  EXPECT_TRUE(kept(as_protobuf("# TYPE s summary\ns{quantile=\"0.5\"} 1\ns_sum 2\ns_count 3\n")));
  EXPECT_FALSE(kept(""));
  EXPECT_FALSE(kept("x"));
  EXPECT_FALSE(kept(as_protobuf("# TYPE a gauge\na -0\n")));
  EXPECT_FALSE(kept(as_protobuf("# TYPE a gauge\na 1 5\n")));  // a timestamp
  EXPECT_FALSE(kept(delimited(message([](auto& family) {
    family.add_string(1, "a");
    family.add_message(4, std::string());
  }))));
}

TEST(SkeletonProtobuf, MatchesOtherNumbers) {
  EXPECT_TRUE(matches("# TYPE a gauge\na 1\n", "# TYPE a gauge\na -12345.678e-3\n"));
  EXPECT_TRUE(matches("# TYPE a counter\na 1\n", "# TYPE a counter\na NaN\n"));
  EXPECT_TRUE(
      matches(kHistogram, "# TYPE h histogram\nh_bucket{le=\"1\"} 5\nh_bucket{le=\"+Inf\"} 9\nh_sum 0.5\nh_count 9\n"));
  EXPECT_TRUE(matches("# TYPE s summary\ns{quantile=\"0.5\"} 1\ns_sum 2\ns_count 3\n",
                      "# TYPE s summary\ns{quantile=\"0.5\"} 7.5\ns_sum -2\ns_count 127\n"));
}

TEST(SkeletonProtobuf, MatchesNothingElse) {
  constexpr std::string_view kGauge = "# TYPE a gauge\na{b=\"c\"} 1\n";
  for (const std::string_view other :
       {"# TYPE a counter\na{b=\"c\"} 1\n", "# TYPE a gauge\na{b=\"d\"} 1\n", "# TYPE a gauge\na{b=\"c\"} -0\n",
        "# TYPE b gauge\nb{b=\"c\"} 1\n", "# TYPE a gauge\na{b=\"c\"} 1\na{b=\"d\"} 1\n", "# TYPE a gauge\na 1\n"}) {
    EXPECT_FALSE(matches(kGauge, other)) << other;
  }
  // A varint of another length, a bound, a count that is no float.
  for (const std::string_view other :
       {"# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 200\nh_sum 3\nh_count 200\n",
        "# TYPE h histogram\nh_bucket{le=\"2\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n"}) {
    EXPECT_FALSE(matches(kHistogram, other)) << other;
  }
}

// Every byte of a body replaced by each of these; cut short at every byte.
TEST(SkeletonProtobuf, EveryByteMatters) {
  static constexpr std::string_view kBytes("\x00\x01\x0a\x12\x7f\x80\xff\xf8\x09\"a", 11);
  for (const std::string& body : {as_protobuf(gauges_body(2, 1)), as_protobuf(kHistogram),
                                  as_protobuf("# TYPE s summary\ns{quantile=\"0.5\"} 1e3\ns_sum 2\ns_count 300\n")}) {
    for (size_t at = 0; at < body.size(); ++at) {
      for (const char byte : kBytes) {
        std::string other = body;
        other[at] = byte;
        const SkeletonPair pair = compare(body, other);
        ASSERT_TRUE(pair.kept);
        ASSERT_EQ(pair.difference, "") << at;
        // The other way round: the changed body, where it is kept, and the first one.
        ASSERT_EQ(compare(other, body).difference, "") << at;
      }
      ASSERT_FALSE(compare(body, std::string_view(body).substr(0, at)).matched);
    }
  }
}

TEST(SkeletonProtobuf, RandomPairs) {
  const uint64_t seed = std::random_device{}();
  printf("seed %lu\n", static_cast<unsigned long>(seed));
  std::mt19937_64 random(seed);
  const model::GroupKey other_key = model::GroupKey::from_labels({{"job", "u"}, {"instance", "a\"b"}});
  size_t kept_bodies = 0;
  size_t matched = 0;
  size_t written = 0;
  for (int round = 0; round < 4000; ++round) {
    const std::string text = random_body(random, 8);
    const std::string body = as_protobuf(text);
    std::string other = as_protobuf(renumbered(text, random));
    if (random() % 3 == 0) other = mutated(std::move(other), random);
    const SkeletonPair pair = compare_protobuf_by_skeleton(body, key(), other, random() % 2 == 0 ? key() : other_key);
    ASSERT_EQ(pair.difference, "") << "seed " << seed << " round " << round << "\n" << text;
    kept_bodies += pair.kept ? 1 : 0;
    matched += pair.matched ? 1 : 0;
    written += pair.written ? 1 : 0;
  }
  EXPECT_GT(kept_bodies, 1000u);
  EXPECT_GT(matched, 300u);
  EXPECT_GT(written, 100u);
  EXPECT_LT(matched, kept_bodies);
}

// As a push does it. Whether there was a skeleton.
bool push(SkeletonCache& cache, std::string_view body, Form form) {
  if (cache.find(body, form)) return true;
  cache.learn(body, form);
  return false;
}

TEST(SkeletonProtobuf, TheCacheKeepsTheFormsApart) {
  SkeletonCache cache;
  const std::string text = gauges_body(10, 1);
  const std::string protobuf = as_protobuf(text);
  for (int round = 0; round < 2; ++round) {
    EXPECT_FALSE(push(cache, text, Form::kText));
    EXPECT_FALSE(push(cache, protobuf, Form::kProtobuf));
  }
  EXPECT_TRUE(push(cache, text, Form::kText));
  EXPECT_TRUE(push(cache, protobuf, Form::kProtobuf));
  // Neither is taken for the other.
  EXPECT_FALSE(cache.find(text, Form::kProtobuf));
  EXPECT_FALSE(cache.find(protobuf, Form::kText));
}

TEST(SkeletonProtobuf, TheCacheTakesAnyBytes) {
  std::mt19937_64 random(7);
  SkeletonCache cache;
  for (int round = 0; round < 2000; ++round) {
    std::string body(64 + random() % 64, '\0');
    for (char& byte : body) byte = static_cast<char>(random() % 3 == 0 ? 0x80 : random());
    EXPECT_FALSE(push(cache, body, Form::kProtobuf));
  }
}

}  // namespace
}  // namespace sluice::parser::test
