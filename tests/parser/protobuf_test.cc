// The protobuf parser: every kind of metric, every error, and the outside collections, unsliced and sliced.
#include "parser/protobuf_parser.h"

#include <gtest/gtest.h>

#include <bit>
#include <cstdio>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "parser/text_exact.h"
#include "tests/parser/case_files.h"
#include "tests/parser/families_dump.h"
#include "tests/parser/fast_bodies.h"
#include "tests/parser/fast_families.h"
#include "tests/parser/protobuf_bodies.h"

namespace sluice::parser {
namespace {

using protozero::pbf_writer;
using test::delimited;
using test::message;
using Step = ProtobufParser::Step;

// The error, or "" with the families in `out`. Parses once more with a look at the clock after every step.
std::string parse(std::string_view body, model::Families& out) {
  const auto run = [&](Deadline slice, model::Families& families) {
    ProtobufParser parser;
    parser.start(body, families);
    Step step = Step::kMore;
    while (step == Step::kMore) step = parser.step(slice);
    EXPECT_EQ(parser.error().empty(), step == Step::kDone);
    return parser.error();
  };
  const std::string error = run(Deadline::never(), out);
  model::Families sliced;
  EXPECT_EQ(run(Deadline{0}, sliced), error);
  if (error.empty()) {
    EXPECT_EQ(test::describe(sliced), test::describe(out));
  }
  return error;
}

std::string error_of(std::string_view body) {
  model::Families families;
  return parse(body, families);
}

// A family `a` of this type with one metric of these fields.
template <typename Fill>
std::string family(int type, Fill fill) {
  return delimited(message([&](pbf_writer& out) {
    out.add_string(1, "a");
    out.add_enum(3, type);
    pbf_writer metric(out, 4);
    fill(metric);
  }));
}

constexpr int kCounter = 0;
constexpr int kGauge = 1;
constexpr int kSummary = 2;
constexpr int kHistogram = 4;

constexpr const char* kMalformed = "proto: cannot parse invalid wire-format data";

TEST(ProtobufParser, SaysWhatTheTextSays) {
  for (const std::string& text :
       {test::gauges_body(10, 1), test::series_body(500, 2), test::histograms_body(50, 3), test::mixed_body(2000, 4)}) {
    ExactTextParser exact;
    model::Families wanted;
    exact.start(text, NameScheme::kLegacy, wanted);
    ASSERT_EQ(exact.step(Deadline::never()), ExactTextParser::Step::kDone);
    const std::string body = test::protobuf_body(wanted);
    model::Families families;
    ASSERT_EQ(parse(body, families), "");
    EXPECT_EQ(test::dump(families), test::dump(wanted));
  }
}

TEST(ProtobufParser, PlainMetricsNeedNoRecord) {
  ExactTextParser exact;
  model::Families text;
  const std::string source = test::gauges_body(5, 1) + test::histograms_body(5, 3);
  exact.start(source, NameScheme::kLegacy, text);
  ASSERT_EQ(exact.step(Deadline::never()), ExactTextParser::Step::kDone);
  const std::string body = test::protobuf_body(text);
  model::Families families;
  ASSERT_EQ(parse(body, families), "");
  for (const model::Family& family : families.families) EXPECT_FALSE(family.needs_record) << family.name;
}

TEST(ProtobufParser, WhatTextCannotSayNeedsARecord) {
  const auto fields_of = [](const std::string& body) {
    model::Families families;
    EXPECT_EQ(parse(body, families), "");
    EXPECT_EQ(families.metrics.size(), 1U);
    EXPECT_EQ(families.families[0].needs_record, (families.metrics[0].fields & model::kNeedsRecord) != 0);
    return families.metrics[0].fields;
  };
  EXPECT_EQ(fields_of(family(kGauge, [](pbf_writer& m) { pbf_writer(m, 2).add_double(1, 0); })), 0);
  EXPECT_EQ(fields_of(family(kGauge, [](pbf_writer& m) { pbf_writer(m, 2).add_double(1, -0.0); })),
            model::kNeedsRecord);
  EXPECT_EQ(fields_of(family(kGauge, [](pbf_writer& m) { m.add_message(2, std::string()); })), model::kNeedsRecord);
  EXPECT_EQ(fields_of(family(kGauge,
                             [](pbf_writer& m) {
                               pbf_writer(m, 2).add_double(1, 1);
                               m.add_uint64(99, 1);
                             })),
            model::kNeedsRecord);
  EXPECT_EQ(fields_of(family(kCounter,
                             [](pbf_writer& m) {
                               pbf_writer counter(m, 3);
                               counter.add_double(1, 1);
                               pbf_writer(counter, 3).add_int64(1, 1700000000);
                             })),
            model::kNeedsRecord | model::kHasCreated);
  EXPECT_EQ(fields_of(family(kCounter,
                             [](pbf_writer& m) {
                               pbf_writer counter(m, 3);
                               counter.add_double(1, 1);
                               pbf_writer exemplar(counter, 2);
                               pbf_writer label(exemplar, 1);
                               label.add_string(1, "trace");
                               label.add_string(2, "x");
                             })),
            model::kNeedsRecord | model::kHasExemplar);
  EXPECT_EQ(fields_of(family(kSummary,
                             [](pbf_writer& m) {
                               pbf_writer summary(m, 4);
                               summary.add_uint64(1, (uint64_t{1} << 53) + 1);
                               summary.add_double(2, 1);
                             })),
            model::kNeedsRecord | model::kHasCount | model::kHasSum);
  EXPECT_EQ(fields_of(family(kSummary, [](pbf_writer& m) { pbf_writer(m, 4).add_uint64(1, 3); })),
            model::kNeedsRecord | model::kHasCount);
}

// A small metric takes a short cut that a large one does not: what both are made of reads the same.
TEST(ProtobufParser, SmallMetricsReadAsLargeOnes) {
  using Part = std::function<void(pbf_writer&)>;
  const auto label = [](std::string name, std::string value) -> Part {
    return [=](pbf_writer& metric) {
      pbf_writer pair(metric, 1);
      pair.add_string(1, name);
      pair.add_string(2, value);
    };
  };
  const auto number = [](uint32_t field, double value) -> Part {
    return [=](pbf_writer& metric) { pbf_writer(metric, field).add_double(1, value); };
  };
  const std::vector<Part> parts = {
      label("a", "1"),
      label("b", std::string(127, 'x')),
      label("c", std::string(128, 'x')),
      label("", ""),
      number(2, 1.5),
      number(2, -0.0),
      number(2, std::numeric_limits<double>::quiet_NaN()),
      number(3, 2.5),
      number(5, 3.5),
      [](pbf_writer& metric) { metric.add_message(2, std::string()); },
      [](pbf_writer& metric) { metric.add_message(1, std::string()); },
      [](pbf_writer& metric) { metric.add_int64(6, 77); },
      [](pbf_writer& metric) { metric.add_uint64(99, 1); },
      [](pbf_writer& metric) { metric.add_message(4, std::string()); },
      [](pbf_writer& metric) { metric.add_message(2, std::string("\x09half", 5)); },
  };
  const auto read = [](const std::string& body, size_t skipped_labels) {
    model::Families families;
    std::string error = parse(body, families);
    if (!error.empty()) return error;
    const model::Metric& metric = families.metrics.at(0);
    std::string out = std::to_string(metric.fields) + " " + std::to_string(metric.timestamp_ms) + " " +
                      std::to_string(std::bit_cast<uint64_t>(metric.value)) +
                      (families.families.at(0).needs_record ? " record" : "");
    EXPECT_EQ(metric.labels_count, families.labels.size());
    for (size_t i = skipped_labels; i < families.labels.size(); ++i) {
      out += " " + std::string(families.labels[i].name) + "=" + std::string(families.labels[i].value);
    }
    return out;
  };
  const Part pad = label("pad", std::string(600, 'p'));
  for (const Part& first : parts) {
    for (const Part& second : parts) {
      for (const Part& third : parts) {
        const auto body = [&](bool large) {
          return family(kGauge, [&](pbf_writer& metric) {
            if (large) pad(metric);
            for (const Part* part : {&first, &second, &third}) (*part)(metric);
          });
        };
        ASSERT_EQ(read(body(false), 0), read(body(true), 1));
      }
    }
  }
}

TEST(ProtobufParser, Histograms) {
  model::Families families;
  const std::string floats = family(kHistogram, [](pbf_writer& m) {
    pbf_writer histogram(m, 7);
    histogram.add_double(4, 2.5);
    pbf_writer bucket(histogram, 3);
    bucket.add_double(2, 1);
    bucket.add_double(4, 1.5);
  });
  ASSERT_EQ(parse(floats, families), "");
  EXPECT_EQ(families.metrics[0].fields, model::kCountsAreFloat | model::kNeedsRecord);
  EXPECT_EQ(families.metrics[0].count_float, 2.5);
  ASSERT_EQ(families.points.size(), 1U);
  EXPECT_EQ(families.points[0].value, 1.5);

  const std::string native = family(kHistogram, [](pbf_writer& m) {
    pbf_writer histogram(m, 7);
    histogram.add_uint64(1, 20);
    histogram.add_double(2, 99.23);
    histogram.add_sint32(5, 1);
    histogram.add_double(6, 0.001);
    histogram.add_uint64(7, 2);
    for (const int32_t offset : {0, 1}) {
      pbf_writer span(histogram, 12);
      span.add_sint32(1, offset);
      span.add_uint32(2, 2);
    }
    const std::array<int64_t, 4> deltas = {1, 2, -1, -1};
    histogram.add_packed_sint64(13, deltas.begin(), deltas.end());
    histogram.add_sint64(10, -1);
    pbf_writer exemplar(histogram, 16);
    exemplar.add_double(2, 1);
  });
  ASSERT_EQ(parse(native, families), "");
  EXPECT_EQ(families.metrics[0].fields,
            model::kIsNative | model::kHasExemplar | model::kNeedsRecord | model::kHasCount | model::kHasSum);
  EXPECT_EQ(families.metrics[0].count, 20U);
  EXPECT_EQ(families.points.size(), 0U);
  EXPECT_NE(native.find(families.metrics[0].exact), std::string::npos);
}

TEST(ProtobufParser, MetricWithoutTheContentOfItsType) {
  model::Families families;
  ASSERT_EQ(parse(family(kCounter, [](pbf_writer& m) { pbf_writer(m, 2).add_double(1, 7); }), families), "");
  EXPECT_EQ(families.metrics[0].fields, model::kWrongContent | model::kNeedsRecord);
  ASSERT_EQ(parse(delimited(message([](pbf_writer& out) {
                    out.add_string(1, "a");
                    for (int i = 0; i < 1000; ++i) out.add_message(4, std::string());
                  })),
                  families),
            "");
  EXPECT_EQ(families.metrics.size(), 1U) << "the others would only cost memory";
}

TEST(ProtobufParser, TypeBehindTheMetrics) {
  const std::string body = delimited(message([](pbf_writer& out) {
    out.add_enum(3, kCounter);
    for (const double value : {1.0, 2.0}) {
      pbf_writer metric(out, 4);
      pbf_writer(metric, 1).add_string(1, "l");
      pbf_writer(metric, 2).add_double(1, value);
    }
    out.add_enum(3, kSummary);
    out.add_string(1, "a");
    out.add_enum(3, kGauge);
  }));
  model::Families families;
  ASSERT_EQ(parse(body, families), "");
  ASSERT_EQ(families.metrics.size(), 2U);
  EXPECT_EQ(families.families[0].name, "a");
  EXPECT_EQ(families.families[0].metrics_count, 2U);
  EXPECT_EQ(families.families[0].type, model::MetricType::kGauge);
  EXPECT_EQ(families.metrics[1].value, 2);
  EXPECT_EQ(families.metrics[1].fields, 0);
  EXPECT_EQ(families.labels.size(), 2U);
}

TEST(ProtobufParser, TheLastFamilyOfANameCounts) {
  const auto gauge = [](double value) {
    return family(kGauge, [&](pbf_writer& m) {
      pbf_writer(m, 2).add_double(1, value);
      m.add_int64(6, 5);
    });
  };
  const std::string second = family(kGauge, [](pbf_writer& m) { pbf_writer(m, 2).add_double(1, 2); });
  model::Families families;
  const std::string odd = family(9, [](pbf_writer& m) { pbf_writer(m, 2).add_double(1, 2); });
  const std::string body = gauge(1) + odd + second;
  ASSERT_EQ(parse(body, families), "");
  EXPECT_EQ(families.families[0].metrics_count, 0U);
  EXPECT_EQ(families.families[1].metrics_count, 0U);
  EXPECT_EQ(families.families[2].metrics_count, 1U);
  for (const model::Metric& metric : families.metrics) EXPECT_EQ(metric.fields & model::kHasTimestamp, 0);
  EXPECT_EQ(error_of(second + odd), "unknown metric type 9");
}

TEST(ProtobufParser, EmptyBodiesAndFamilies) {
  for (const std::string_view body : {std::string_view(), std::string_view("\0", 1), std::string_view("\0\0", 2)}) {
    EXPECT_EQ(error_of(body), "");
  }
}

TEST(ProtobufParser, AnnouncedLengthsAreNotTrusted) {
  for (const std::string_view body : {std::string_view("\x80\x80\x80\x80\x80\x20"
                                                       "abc",
                                                       9),
                                      std::string_view("\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 9),
                                      std::string_view("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10),
                                      std::string_view("\xe8\x07"
                                                       "abc"),
                                      std::string_view("a 1\n"), std::string_view("\x80"), std::string_view("\x05")}) {
    const int64_t begin = monotonic_ns();
    EXPECT_EQ(error_of(body), "unexpected EOF");
    EXPECT_LT(monotonic_ns() - begin, 10'000'000);
  }
  EXPECT_EQ(error_of("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"), "proto: variable length integer overflow");
  EXPECT_EQ(error_of("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), "proto: variable length integer overflow");
}

TEST(ProtobufParser, MalformedMessages) {
  using namespace std::string_view_literals;
  for (const std::string_view text : {
           "\x0a"sv,       // no length
           "\x0a\x05x"sv,  // longer than the message
           "\x18\x80"sv,   // varint without an end
           "\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"sv, "\x09\x00"sv, "\x0d\x00"sv,
           "\x00\x00"sv,                      // field number 0
           "\x0f"sv, "\x0e\x01"sv,            // wire types 7 and 6
           "\x0c"sv,                          // end of a group that is not open
           "\x9b\x06\x94\x06"sv,              // another group ends
           "\x9b\x06"sv,                      // a group without an end
           "\xf8\xff\xff\xff\x7f\x00"sv,      // field number above 2^29 - 1
           "\x22\x02\x12\x01"sv,              // gauge longer than its metric
           "\x22\x05\x3a\x03\x72\x01\x00"sv,  // a packed double of one byte
           "\x22\x05\x3a\x03\x6a\x01\x80"sv,  // a packed varint without an end
           "\x22\x04\x0a\x02\x0a\x05"sv,      // label name longer than the label
       }) {
    EXPECT_EQ(error_of(delimited(text)), kMalformed) << testing::PrintToString(text);
  }
}

TEST(ProtobufParser, UnknownFieldsAndGroupsAreSkipped) {
  using namespace std::string_view_literals;
  for (const std::string_view text : {
           "\x9b\x06\x9c\x06"sv,
           "\x9b\x06\x08\x01\x1b\x12\x01x\x1c\x9c\x06"sv,
           "\x7d\x01\x02\x03\x04"sv,
           "\x08\x07"sv,  // the name as a varint
           "\x22\x04\x0b\x0d\x01\x01"sv.substr(0, 0),
       }) {
    EXPECT_EQ(error_of(delimited(text)), "") << testing::PrintToString(text);
  }
  std::string deep(10'001, '\x0b');
  deep += std::string(10'001, '\x0c');
  EXPECT_EQ(error_of(delimited(deep)), "");
  EXPECT_EQ(error_of(delimited('\x0b' + deep + '\x0c')), kMalformed);
}

TEST(ProtobufParser, Limits) {
  const auto labels = [](int count) {
    return family(kGauge, [&](pbf_writer& m) {
      for (int i = 0; i < count; ++i) pbf_writer(m, 1).add_string(1, "l" + std::to_string(i));
      pbf_writer(m, 2).add_double(1, 1);
    });
  };
  EXPECT_EQ(error_of(labels(1024)), "");
  EXPECT_EQ(error_of(labels(1025)), "more than 1024 labels");
  const std::string name(64 * 1024 + 1, 'n');
  EXPECT_EQ(error_of(delimited(message([&](pbf_writer& out) { out.add_string(1, name); }))),
            "name of more than 65536 bytes");
  EXPECT_EQ(error_of(family(kGauge, [&](pbf_writer& m) { pbf_writer(m, 1).add_string(1, name); })),
            "name of more than 65536 bytes");
}

TEST(ProtobufParser, ManySmallSteps) {
  // A label of many unknown fields, a packed list of many deltas and many groups are all cut.
  const std::string body = family(kHistogram, [](pbf_writer& m) {
    const std::vector<int64_t> deltas(100'000, 1);
    pbf_writer(m, 7).add_packed_sint64(13, deltas.begin(), deltas.end());
    pbf_writer label(m, 1);
    for (int i = 0; i < 100'000; ++i) label.add_uint32(9, 1);
  });
  ProtobufParser parser;
  model::Families families;
  parser.start(body, families);
  int slices = 1;
  while (parser.step(Deadline{0}) == Step::kMore) ++slices;
  EXPECT_EQ(parser.error(), "");
  EXPECT_GT(slices, 1000);
}

TEST(ProtobufParser, OutsideCollections) {
  for (const char* file : {"proto_decode", "prom_textparse_protobuf_inputs"}) {
    simdjson::dom::parser json;
    const auto document = test::load_cases(json, file);
    if (!document) {
      std::printf("NOT RUN: %s: the recorded cases are not beside the repository\n", file);
      continue;
    }
    for (const simdjson::dom::element entry : test::array_of((*document)["cases"])) {
      const std::string body = test::decode_base64(std::string_view(entry["input_b64"]));
      model::Families families;
      const std::string error = parse(body, families);
      const std::string_view id = entry["id"];
      // Labels are looked at by the reference's decoder for scrapes, not by its gateway.
      if (id == "proto_decode-01") continue;
      EXPECT_EQ(error, "") << id;
      EXPECT_EQ(families.families.empty(), body.empty()) << id;
      if (int64_t count = 0; entry["message_count"].get(count) == simdjson::SUCCESS) {
        EXPECT_EQ(static_cast<int64_t>(families.families.size()), count) << id;
      }
    }
  }
}

}  // namespace
}  // namespace sluice::parser
