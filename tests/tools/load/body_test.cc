// The bodies: each is what our own parser takes, carries its number, and has the size that its name promises.
#include "tools/load/body.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <string>

#include "core/base/clock.h"
#include "core/model/families.h"
#include "parser/protobuf_parser.h"
#include "parser/text_exact.h"
#include "parser/text_parser.h"
#include "tools/load/workloads.h"

namespace sluice::tools::load {
namespace {

Body made(std::string_view name, BodyFormat format = BodyFormat::kText) {
  auto text = workload_template(name);
  EXPECT_TRUE(text.has_value());
  auto body = Body::make(*text, format);
  EXPECT_TRUE(body.has_value()) << body.error();
  return std::move(*body);
}

std::string bytes_of(const Body& body, uint64_t sequence) {
  std::string out;
  body.append(out, sequence);
  return out;
}

struct Promise {
  const char* name;
  size_t series;
  size_t bytes_min;
  size_t bytes_max;
};

TEST(Body, EachHasItsSizeAndItsSeries) {
  for (const Promise& promise :
       {Promise{"one", 1, 10, 100}, Promise{"s", 10, 1000, 1300}, Promise{"samples40", 40, 3800, 4500},
        Promise{"histograms", 136, 9000, 11'000}, Promise{"large", 15'000, 1'300'000, 1'700'000}}) {
    const Body body = made(promise.name);
    const std::string text = bytes_of(body, 1234567);
    EXPECT_GE(text.size(), promise.bytes_min) << promise.name;
    EXPECT_LE(text.size(), promise.bytes_max) << promise.name;
    EXPECT_EQ(body.series().size(), promise.series) << promise.name;
    for (const ExpectedSeries& series : body.series()) ASSERT_TRUE(series.carries_sequence) << series.identity;
    model::Families families;
    parser::TextParser parser;
    parser.start(text, parser::NameScheme::kLegacy, families);
    EXPECT_EQ(parser.step(Deadline::never()), parser::TextParser::Step::kDone) << parser.error().text;
  }
}

TEST(Body, TheNumberIsInEveryValue) {
  const Body body = made("s");
  EXPECT_NE(bytes_of(body, 42).find("task=\"step-7\"} 42.07\n"), std::string::npos);
  const int64_t found = body.find("load_metric_7{region=\"eu-west-1\",stage=\"production\",task=\"step-7\"}");
  ASSERT_GE(found, 0);
  EXPECT_NEAR(body.series()[static_cast<size_t>(found)].offset, 0.07, 1e-9);
  EXPECT_EQ(body.find("load_metric_7{}"), -1);
  EXPECT_EQ(body.first_family(), "load_metric_1");
}

TEST(Body, ProtobufSaysTheSame) {
  for (const char* const name : {"s", "samples40", "large"}) {
    const Body text = made(name);
    const Body protobuf = made(name, BodyFormat::kProtobuf);
    const std::string message = bytes_of(protobuf, 77);
    model::Families families;
    parser::ProtobufParser parser;
    parser.start(message, families);
    ASSERT_EQ(parser.step(Deadline::never()), parser::ProtobufParser::Step::kDone) << parser.error();
    size_t index = 0;
    for (const model::Family& family : families.families) {
      for (uint32_t at = family.metrics_first; at != model::kNone; at = families.metrics[at].next) {
        ASSERT_NEAR(families.metrics[at].value, 77 + text.series().at(index).offset, 1e-9);
        ++index;
      }
    }
    EXPECT_EQ(index, text.series().size());
  }
  const auto histograms = workload_template("histograms");
  EXPECT_FALSE(Body::make(*histograms, BodyFormat::kProtobuf).has_value());
}

TEST(Body, AUsersOwnTextMayCarryANumberOrNot) {
  auto body = Body::make("a 5\n# TYPE b counter\nb{z=\"1\",a=\"{{\"} {{seq+3}}\n", BodyFormat::kText);
  ASSERT_TRUE(body.has_value()) << body.error();
  EXPECT_EQ(bytes_of(*body, 7), "a 5\n# TYPE b counter\nb{z=\"1\",a=\"{{\"} 10\n");
  ASSERT_EQ(body->series().size(), 2u);
  EXPECT_FALSE(body->series()[0].carries_sequence);
  EXPECT_EQ(body->series()[0].offset, 5);
  EXPECT_EQ(body->series()[1].identity, "b{a=\"{{\",z=\"1\"}");  // sorted, as a gateway shows it
  EXPECT_EQ(body->series()[1].offset, 3);
}

TEST(Body, WhatCannotBePushedIsSaidAtOnce) {
  for (const char* const bad :
       {"", "# only a comment\n", "a{ 1\n", "a {{seq-1}}\n", "a{b=\"{{seq}}\"} 1\n", "a 1\na 1\n"}) {
    const auto body = Body::make(bad, BodyFormat::kText);
    EXPECT_FALSE(body.has_value()) << bad;
  }
  EXPECT_FALSE(workload_template("nonsense").has_value());
  EXPECT_FALSE(workload_template("file:/nonexistent/x").has_value());
}

TEST(Body, GzipIsOneMemberOfTheSameBytes) {
  for (const char* const name : {"one", "s", "large"}) {
    const std::string text = bytes_of(made(name), 3);
    std::string packed;
    compress_gzip(text, packed);
    std::string unpacked(text.size() + 1, '\0');
    z_stream stream{};
    ASSERT_EQ(inflateInit2(&stream, 16 + MAX_WBITS), Z_OK);
    stream.next_in = reinterpret_cast<Bytef*>(packed.data());
    stream.avail_in = static_cast<uInt>(packed.size());
    stream.next_out = reinterpret_cast<Bytef*>(unpacked.data());
    stream.avail_out = static_cast<uInt>(unpacked.size());
    EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END) << name;
    unpacked.resize(stream.total_out);
    EXPECT_EQ(stream.avail_in, 0u);
    inflateEnd(&stream);
    EXPECT_EQ(unpacked, text) << name;
  }
}

}  // namespace
}  // namespace sluice::tools::load
