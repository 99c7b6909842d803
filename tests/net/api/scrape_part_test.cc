// The parameters that choose a part of a scrape: accepted, ignored, refused.
#include "net/api/scrape_part.h"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace sluice::net::api {
namespace {

TEST(ScrapePart, WithoutTheTwoParametersItIsTheWhole) {
  for (const std::string_view target :
       {"/metrics", "/metrics?", "/metrics?&&", "/metrics?name[]=up&x=%", "/metrics?Shard=1", "/metrics?shar%=1",
        "/metrics?shardsx=3", "/metrics?%zz&x", "/metrics?;", "*"}) {
    const auto part = parse_scrape_part(target);
    ASSERT_TRUE(part) << target;
    EXPECT_TRUE(part->is_whole()) << target;
    EXPECT_EQ(part->index, 0u) << target;
  }
}

TEST(ScrapePart, ReadsIndexAndCount) {
  EXPECT_EQ(parse_scrape_part("/metrics?shard=0&shards=1"), (store::Part{0, 1}));
  EXPECT_EQ(parse_scrape_part("/metrics?shard=3&shards=16"), (store::Part{3, 16}));
  EXPECT_EQ(parse_scrape_part("/x?a=b&shards=0016&y&sh%61rd=%33"), (store::Part{3, 16}));
  EXPECT_EQ(parse_scrape_part("/metrics?shard=1023&shards=1024"), (store::Part{1023, 1024}));
}

TEST(ScrapePart, RefusesWithASentence) {
  const auto error = [](std::string_view query) {
    const auto part = parse_scrape_part("/metrics?" + std::string(query));
    EXPECT_FALSE(part) << query;
    return part ? std::string() : part.error();
  };
  EXPECT_EQ(error("shard=1"), "The parameter shard needs the parameter shards: how many parts there are.");
  EXPECT_EQ(error("shards=2"), "The parameter shards needs the parameter shard: which of the parts, from 0.");
  EXPECT_EQ(error("shard=2&shards=2"), "The parameter shard is 2, but of 2 parts the last one is 1.");
  EXPECT_EQ(error("shard=0&shards=0"), "The parameter shards is 0: there is at least one part.");
  EXPECT_EQ(error("shard=0&shards=1025"), "The parameter shards is more than 1024.");
  EXPECT_EQ(error("shard=0&shard=0&shards=2"), "The parameter shard is given twice.");
  EXPECT_EQ(error("shard=0&shards=2&shards=2"), "The parameter shards is given twice.");
  for (const std::string value : {"", "x", "-1", "+1", "%201", "1.0", "1e1", "0x1", "4294967296", "%", "1;shards=2"}) {
    EXPECT_EQ(error("shards=2&shard=" + value), "The parameter shard is not a whole number from 0: \"" + value + "\".");
  }
  EXPECT_EQ(error("shard&shards=2"), "The parameter shard is not a whole number from 0: \"\".");
}

}  // namespace
}  // namespace sluice::net::api
