// Fragments as the JSON API shows them: from text and from records, whole and in pieces; native buckets; strings.
#include "parser/fragment_json.h"

#include <gtest/gtest.h>
#include <simdjson.h>

#include <string>

#include "parser/json_write.h"
#include "parser/protobuf_parser.h"
#include "tests/parser/canonical_testing.h"
#include "tests/parser/protobuf_bodies.h"

namespace sluice::parser {
namespace {

using protozero::pbf_writer;

std::string string_of(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

std::string labels_of(std::string_view text, bool drop_empty_instance = false) {
  std::string out;
  append_json_labels(out, text, drop_empty_instance);
  return out;
}

// Parts of `count` metrics of each family put together again.
std::string json_in_parts(const model::CanonicalPush& push, uint64_t count) {
  std::string all;
  FragmentJson machine;
  for (const model::CanonicalFamily& family : push.families) {
    const model::Fragment fragment = push.fragment(family);
    std::string whole;
    for (uint64_t first = 0; first < fragment.header().series; first += count) {
      std::string json;
      machine.begin(family.name, family.type, fragment, {.first = first, .count = count});
      while (!machine.step(json)) {
      }
      EXPECT_GT(json.size(), 2u);
      if (!whole.empty()) whole += ',';
      whole += json.substr(1, json.size() - 2);
    }
    all += "[" + whole + "]\n";
  }
  return all;
}

// The array of every family, one a line; simdjson must read each.
std::string json_of(const model::CanonicalPush& push) {
  std::string all;
  FragmentJson machine;
  simdjson::dom::parser reader;
  for (const model::CanonicalFamily& family : push.families) {
    std::string json;
    machine.begin(family.name, family.type, push.fragment(family));
    for (size_t steps = 1; !machine.step(json); ++steps) {
      if (steps > 1'000'000) return "no end";
    }
    simdjson::dom::array array;
    EXPECT_EQ(reader.parse(json).get(array), simdjson::SUCCESS) << json;
    all += json + "\n";
  }
  for (const uint64_t count : {1, 2, 7}) EXPECT_EQ(json_in_parts(push, count), all);
  return all;
}

std::string json_of_text(std::string_view body, NameScheme scheme = NameScheme::kLegacy) {
  model::Families families;
  EXPECT_TRUE(parse_text(body, scheme, families));
  Canonicaliser canonicaliser;
  model::CanonicalPush push;
  EXPECT_EQ(canonicalise(canonicaliser, families, make_key({{"job", "j"}}), push), Canonicaliser::State::kDone);
  std::string json = json_of(push);
  EXPECT_EQ(canonicalise(canonicaliser, families, make_key({{"job", "j"}}), push, Deadline{0}),
            Canonicaliser::State::kDone);
  EXPECT_EQ(json_of(push), json) << "canonicalised in slices";
  return json;
}

// A histogram of one metric whose content `fill` writes.
template <typename Fill>
std::string json_of_histogram(Fill fill) {
  const std::string body = test::delimited(test::message([&](pbf_writer& out) {
    out.add_string(1, "h");
    out.add_enum(3, 4);
    pbf_writer metric(out, 4);
    pbf_writer histogram(metric, 7);
    fill(histogram);
  }));
  model::Families families;
  ProtobufParser parser;
  parser.start(body, families);
  EXPECT_EQ(parser.step(Deadline::never()), ProtobufParser::Step::kDone) << parser.error();
  Canonicaliser canonicaliser;
  model::CanonicalPush push;
  EXPECT_EQ(canonicalise(canonicaliser, families, make_key({{"job", "j"}}), push), Canonicaliser::State::kDone);
  return json_of(push);
}

TEST(JsonWrite, StringsAreThoseOfGo) {
  EXPECT_EQ(string_of("plain"), R"("plain")");
  EXPECT_EQ(string_of("\"\\\b\f\n\r\t\x01\x7f"), "\"\\\"\\\\\\b\\f\\n\\r\\t\\u0001\x7f\"");
  EXPECT_EQ(string_of("<a>&'"), R"("\u003ca\u003e\u0026'")");
  EXPECT_EQ(string_of("\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaa\xc3\xa9"), "\"\\u2028\\u2029\xe2\x80\xaa\xc3\xa9\"");
  EXPECT_EQ(string_of("\xff|\xc0\x80|\xed\xa0\x80|\xf4\x90\x80\x80|\xe2\x82"),
            R"("\ufffd|\ufffd\ufffd|\ufffd\ufffd\ufffd|\ufffd\ufffd\ufffd\ufffd|\ufffd\ufffd")");
  EXPECT_EQ(string_of("\xf0\x9f\x98\x80"), "\"\xf0\x9f\x98\x80\"");
}

TEST(JsonWrite, LabelsOfALine) {
  EXPECT_EQ(labels_of(R"(a="1",b="x\"y\\z\n")"), R"({"a":"1","b":"x\"y\\z\n"})");
  EXPECT_EQ(labels_of(R"("m.x",a="1","k.\"y"="<")"), R"({"a":"1","k.\"y":"\u003c"})");
  EXPECT_EQ(labels_of(R"(instance="",job="j")"), R"({"instance":"","job":"j"})");
  EXPECT_EQ(labels_of(R"(instance="",job="j")", true), R"({"job":"j"})");
  EXPECT_EQ(labels_of(""), "{}");
}

TEST(FragmentJson, ValuesOfEveryKind) {
  EXPECT_EQ(json_of_text("# TYPE a counter\na{x=\"1\"} 1e6\na{x=\"2\"} NaN\na{x=\"3\"} -Inf\nb 0.00001\n"),
            R"([{"labels":{"instance":"","job":"j","x":"1"},"value":"1e+06"},)"
            R"({"labels":{"instance":"","job":"j","x":"2"},"value":"NaN"},)"
            R"({"labels":{"instance":"","job":"j","x":"3"},"value":"-Inf"}])"
            "\n"
            R"([{"labels":{"instance":"","job":"j"},"value":"1e-05"}])"
            "\n");
}

TEST(FragmentJson, NegativeZeroIsKept) {
  EXPECT_EQ(json_of_text("# TYPE a gauge\na{x=\"2\"} -0\na{x=\"1\"} 5\n"),
            R"([{"labels":{"instance":"","job":"j","x":"1"},"value":"5"},)"
            R"({"labels":{"instance":"","job":"j","x":"2"},"value":"-0"}])"
            "\n");
}

TEST(FragmentJson, Summaries) {
  EXPECT_EQ(
      json_of_text("# TYPE s summary\ns{quantile=\"0.99\"} 2\ns{quantile=\"0.5\"} 1\ns{quantile=\"0.5\"} 7\n"
                   "s_sum 1e7\ns_count 2e6\ns{a=\"b\",quantile=\"1\"} 3\n"),
      R"([{"count":"2000000","labels":{"instance":"","job":"j"},"quantiles":{"0.5":"7","0.99":"2"},"sum":"1e+07"},)"
      R"({"count":"0","labels":{"a":"b","instance":"","job":"j"},"quantiles":{"1":"3"},"sum":"0"}])"
      "\n");
  EXPECT_EQ(json_of_text("# TYPE s summary\ns_count -1\n"),
            R"([{"count":"18446744073709551615","labels":{"instance":"","job":"j"},"quantiles":{},"sum":"0"}])"
            "\n");
}

TEST(FragmentJson, ClassicHistograms) {
  EXPECT_EQ(
      json_of_text("# TYPE h histogram\nh_bucket{le=\"9\"} 1\nh_bucket{le=\"10\"} 2e6\nh_bucket{le=\"+Inf\"} 3e6\n"
                   "h_sum -1\nh_count 3e6\n"),
      R"([{"buckets":{"+Inf":"3000000","10":"2000000","9":"1"},"count":"3000000",)"
      R"("labels":{"instance":"","job":"j"},"sum":"-1"}])"
      "\n");
  // Without a bucket for +Inf there is none here, though the text shows one.
  EXPECT_EQ(json_of_text("# TYPE h histogram\nh_bucket{le=\"-0\"} 1\nh_count 9007199254740993\n"),
            R"([{"buckets":{"-0":"1"},"count":"9007199254740992","labels":{"instance":"","job":"j"},"sum":"0"}])"
            "\n");
  // One fraction makes all counts floats.
  EXPECT_EQ(json_of_text("# TYPE h histogram\nh_bucket{le=\"1\"} 0.5\nh_bucket{le=\"+Inf\"} 2e6\nh_count 2e6\n"),
            R"([{"buckets":{"+Inf":"2e+06","1":"0.5"},"count":"2e+06","labels":{"instance":"","job":"j"},"sum":"0"}])"
            "\n");
}

TEST(FragmentJson, QuotedNames) {
  EXPECT_EQ(json_of_text("# TYPE \"h.x\" histogram\n{\"h.x_bucket\",\"l.y\"=\"a}\\\" 1\",le=\"+Inf\"} 1\n"
                         "{\"h.x_count\",\"l.y\"=\"a}\\\" 1\"} 1\n{\"m.x\",\"k\\\\\"=\"v\"} 2\n",
                         NameScheme::kUtf8),
            R"([{"buckets":{"+Inf":"1"},"count":"1","labels":{"instance":"","job":"j","l.y":"a}\" 1"},"sum":"0"}])"
            "\n"
            R"([{"labels":{"instance":"","job":"j","k\\":"v"},"value":"2"}])"
            "\n");
}

TEST(FragmentJson, LargeFamiliesComeInBoundedPieces) {
  std::string body = "# TYPE h histogram\n";
  for (int i = 0; i < 3000; ++i) body += "h_bucket{le=\"" + std::to_string(i) + "\"} " + std::to_string(i) + "\n";
  body += "h_bucket{le=\"+Inf\"} 3000\nh_count 3000\n";
  for (int i = 0; i < 3000; ++i) body += "v{i=\"" + std::to_string(i) + "\"} 1\n";
  model::Families families;
  ASSERT_TRUE(parse_text(body, NameScheme::kLegacy, families));
  Canonicaliser canonicaliser;
  model::CanonicalPush push;
  ASSERT_EQ(canonicalise(canonicaliser, families, make_key({{"job", "j"}}), push), Canonicaliser::State::kDone);
  FragmentJson machine;
  for (const model::CanonicalFamily& family : push.families) {
    machine.begin(family.name, family.type, push.fragment(family));
    std::string piece;
    size_t longest = 0;
    size_t steps = 1;
    for (; !machine.step(piece); ++steps, piece.clear()) longest = std::max(longest, piece.size());
    EXPECT_LT(longest, 8192U);
    EXPECT_GT(steps, 50U);
  }
}

TEST(FragmentJson, NativeIntegerHistograms) {
  const std::string json = json_of_histogram([](pbf_writer& histogram) {
    histogram.add_uint64(1, 20);
    histogram.add_double(2, 99.23);
    histogram.add_sint32(5, 1);
    histogram.add_double(6, 0.001);
    histogram.add_uint64(7, 5);
    const auto span = [&](uint32_t field, int32_t offset, uint32_t length) {
      pbf_writer out(histogram, field);
      out.add_sint32(1, offset);
      out.add_uint32(2, length);
    };
    span(9, 0, 2);
    const int64_t negative[] = {1, 1};
    histogram.add_packed_sint64(10, std::begin(negative), std::end(negative));
    span(12, -1, 2);
    span(12, 0, 0);
    span(12, 2, 1);
    for (const int64_t delta : {2, -2, 3}) histogram.add_sint64(13, delta);
  });
  EXPECT_EQ(json, R"([{"buckets":[[1,"-1.414213562373095","-1","2"],[1,"-1","-0.7071067811865475","1"],)"
                  R"([3,"-0.001","0.001","5"],[0,"0.5","0.7071067811865475","2"],[0,"2","2.82842712474619","3"]],)"
                  R"("count":"20","labels":{"instance":"","job":"j"},"sum":"99.23"}])"
                  "\n");
}

TEST(FragmentJson, NativeFloatHistograms) {
  const std::string json = json_of_histogram([](pbf_writer& histogram) {
    histogram.add_double(2, -0.0);
    histogram.add_double(4, 2.5);
    histogram.add_sint32(5, -1);
    {
      pbf_writer span(histogram, 12);
      span.add_sint32(1, 511);
      span.add_uint32(2, 3);
    }
    const double counts[] = {1, 0, 1.5};
    histogram.add_packed_double(14, std::begin(counts), std::end(counts));
  });
  EXPECT_EQ(json, R"([{"buckets":[[0,"1.1235582092889474e+307","4.49423283715579e+307","1"],)"
                  R"([0,"1.7976931348623157e+308","+Inf","1.5"]],)"
                  R"("count":"2.5","labels":{"instance":"","job":"j"},"sum":"-0"}])"
                  "\n");
}

TEST(NativeBuckets, BoundsAreThoseOfPrometheus) {
  EXPECT_EQ(native_bound(0, 0), 1);
  EXPECT_EQ(native_bound(1, 8), 0.5013556375251013 * 4 / 2);
  EXPECT_EQ(native_bound(-1, 3), 0.9170040432046711);
  EXPECT_EQ(native_bound(1024, 0), 1.7976931348623157e308);
  EXPECT_EQ(native_bound(-300, -2), 0);
  EXPECT_EQ(native_bound(3, -100), 1);
}

}  // namespace
}  // namespace sluice::parser
