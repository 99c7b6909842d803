// The canonicaliser on protobuf pushes: the text of every kind, the record where text is not enough, the conflicts.
#include <gtest/gtest.h>

#include <array>

#include "parser/conflict_text.h"
#include "parser/protobuf_parser.h"
#include "tests/parser/canonical_testing.h"
#include "tests/parser/protobuf_bodies.h"

namespace sluice::parser {
namespace {

using protozero::pbf_writer;
using test::delimited;
using test::message;
using State = Canonicaliser::State;

class CanonicalProtobuf : public testing::Test {
 protected:
  State push(std::string body) {
    body_ = std::move(body);
    ProtobufParser parser;
    parser.start(body_, families_);
    EXPECT_EQ(parser.step(Deadline::never()), ProtobufParser::Step::kDone) << parser.error();
    const State state = canonicalise(canonicaliser_, families_, key_, push_);
    const std::string text = state == State::kDone ? text_of(push_) : "";
    const std::string record = state == State::kDone ? record_of() : "";
    EXPECT_EQ(canonicalise(canonicaliser_, families_, key_, push_, Deadline{0}), state);
    if (state == State::kDone) {
      EXPECT_EQ(text_of(push_), text);
      EXPECT_EQ(record_of(), record);
    }
    return state;
  }
  [[nodiscard]] std::string record_of() const {
    std::string out;
    for (const model::CanonicalFamily& family : push_.families) out += push_.fragment(family).record();
    return out;
  }
  [[nodiscard]] std::string conflict() const { return conflict_text(canonicaliser_.conflict(), families_, key_); }

  std::string body_;
  model::Families families_;
  model::GroupKey key_ = make_key({{"job", "j"}});
  Canonicaliser canonicaliser_;
  model::CanonicalPush push_;
};

template <typename Fill>
std::string family(std::string_view name, int type, Fill fill) {
  return delimited(message([&](pbf_writer& out) {
    out.add_string(1, name.data(), name.size());
    out.add_enum(3, type);
    fill(out);
  }));
}

template <typename Fill>
std::string metric(std::string_view name, int type, Fill fill) {
  return family(name, type, [&](pbf_writer& out) {
    pbf_writer metric(out, 4);
    fill(metric);
  });
}

void add_label(pbf_writer& metric, const std::string& name, const std::string& value) {
  pbf_writer label(metric, 1);
  label.add_string(1, name);
  label.add_string(2, value);
}

std::string native(pbf_writer& histogram) {
  histogram.add_uint64(1, 20);
  histogram.add_double(2, 99.23);
  histogram.add_sint32(5, 1);
  pbf_writer(histogram, 12).add_uint32(2, 2);
  const std::array<int64_t, 2> deltas = {12, -4};
  histogram.add_packed_sint64(13, deltas.begin(), deltas.end());
  return {};
}

TEST_F(CanonicalProtobuf, NativeHistogramsAreInfSumAndCountInText) {
  ASSERT_EQ(push(metric("h", 4,
                        [](pbf_writer& m) {
                          pbf_writer histogram(m, 7);
                          native(histogram);
                        })),
            State::kDone);
  EXPECT_EQ(text_of(push_),
            "h_bucket{instance=\"\",job=\"j\",le=\"+Inf\"} 20\nh_sum{instance=\"\",job=\"j\"} 99.23\n"
            "h_count{instance=\"\",job=\"j\"} 20\n");
  // The record is the message with the labels of the group.
  const std::string content = message([](pbf_writer& m) {
    add_label(m, "instance", "");
    add_label(m, "job", "j");
    pbf_writer histogram(m, 7);
    native(histogram);
  });
  const std::string record = record_of();
  ASSERT_EQ(record.size(), 6 + content.size());
  EXPECT_EQ(record[0], 0x22);
  EXPECT_EQ(record.substr(6), content);
}

TEST_F(CanonicalProtobuf, FloatHistograms) {
  ASSERT_EQ(push(metric("h", 4,
                        [](pbf_writer& m) {
                          pbf_writer histogram(m, 7);
                          histogram.add_double(4, 2.5);
                          pbf_writer bucket(histogram, 3);
                          bucket.add_double(2, 1);
                          bucket.add_double(4, 1.5);
                        })),
            State::kDone);
  EXPECT_EQ(text_of(push_),
            "h_bucket{instance=\"\",job=\"j\",le=\"1\"} 1.5\nh_bucket{instance=\"\",job=\"j\",le=\"+Inf\"} 2.5\n"
            "h_sum{instance=\"\",job=\"j\"} 0\nh_count{instance=\"\",job=\"j\"} 2.5\n");
  EXPECT_FALSE(record_of().empty());
}

TEST_F(CanonicalProtobuf, PlainFamiliesHaveNoRecord) {
  ASSERT_EQ(push(metric("g", 1,
                        [](pbf_writer& m) {
                          add_label(m, "b", "2");
                          add_label(m, "a", "1");
                          pbf_writer(m, 2).add_double(1, 1.5);
                        })),
            State::kDone);
  EXPECT_EQ(text_of(push_), "g{a=\"1\",b=\"2\",instance=\"\",job=\"j\"} 1.5\n");
  EXPECT_EQ(record_of(), "");
}

TEST_F(CanonicalProtobuf, RecordsComeInTheOrderOfTheText) {
  const auto counter = [](const std::string& label, double value) {
    return [=](pbf_writer& out) {
      pbf_writer m(out, 4);
      pbf_writer content(m, 3);
      content.add_double(1, value);
      pbf_writer(content, 3).add_int64(1, 1700000000);
      content.commit();
      add_label(m, "job", "overwritten");
      add_label(m, "l", label);
    };
  };
  ASSERT_EQ(push(family("c", 0,
                        [&](pbf_writer& out) {
                          counter("z", 1)(out);
                          counter("a", 2)(out);
                        })),
            State::kDone);
  EXPECT_EQ(text_of(push_), "c{instance=\"\",job=\"j\",l=\"a\"} 2\nc{instance=\"\",job=\"j\",l=\"z\"} 1\n");
  // Read again, the record is the push with the labels of the group.
  const std::string again = delimited(
      "\x0a\x01"
      "c" +
      record_of());
  model::Families read;
  ProtobufParser parser;
  parser.start(again, read);
  ASSERT_EQ(parser.step(Deadline::never()), ProtobufParser::Step::kDone) << parser.error();
  ASSERT_EQ(read.metrics.size(), 2U);
  EXPECT_EQ(read.metrics[0].value, 2);
  EXPECT_EQ(read.metrics[1].value, 1);
  EXPECT_EQ(read.metrics[0].fields, model::kHasCreated | model::kNeedsRecord);
  ASSERT_EQ(read.metrics[0].labels_count, 3U);
  EXPECT_EQ(read.labels[1].value, "j");
  EXPECT_EQ(read.labels[2].value, "a");
}

TEST_F(CanonicalProtobuf, Conflicts) {
  EXPECT_EQ(push(metric("a", 0, [](pbf_writer& m) { pbf_writer(m, 2).add_double(1, 1); })), State::kConflict);
  EXPECT_EQ(conflict(),
            "collected metric \"a\" { label:{name:\"instance\" value:\"\"} label:{name:\"job\" value:\"j\"} "
            "gauge:{value:1}} is not a COUNTER");
  EXPECT_EQ(push(family("a", 5, [](pbf_writer& out) { out.add_message(4, std::string()); })), State::kConflict);
  EXPECT_EQ(conflict(),
            "collected metric \"a\" { label:{name:\"instance\" value:\"\"} label:{name:\"job\" value:\"j\"}} is not a "
            "GAUGE_HISTOGRAM");
  EXPECT_EQ(push(metric("", 1, [](pbf_writer& m) { pbf_writer(m, 2).add_double(1, 1); })), State::kConflict);
  EXPECT_EQ(conflict(), "\"\" is not a valid metric name");
  EXPECT_EQ(push(metric("a\xff", 1, [](pbf_writer& m) { pbf_writer(m, 2).add_double(1, 1); })), State::kConflict);
  EXPECT_EQ(canonicaliser_.conflict().kind, model::ConflictKind::kInvalidMetricName);
  EXPECT_EQ(push(metric("a", 1,
                        [](pbf_writer& m) {
                          pbf_writer(m, 2).add_double(1, 1);
                          m.add_int64(6, 5);
                        })),
            State::kConflict);
  EXPECT_EQ(conflict(), "pushed metrics must not have timestamps");
  EXPECT_EQ(push(metric("a", 1,
                        [](pbf_writer& m) {
                          add_label(m, "b", "\xff");
                          pbf_writer(m, 2).add_double(1, 1);
                        })),
            State::kConflict);
  EXPECT_EQ(conflict(),
            "collected metric \"a\" { label:{name:\"b\" value:\"\\xff\"} label:{name:\"instance\" value:\"\"} "
            "label:{name:\"job\" value:\"j\"} gauge:{value:1}} has a label named \"b\" whose value is not utf8: "
            "\"\\xff\"");
}

TEST_F(CanonicalProtobuf, ConflictsShowNativeHistograms) {
  EXPECT_EQ(push(metric("a", 1,
                        [](pbf_writer& m) {
                          pbf_writer histogram(m, 7);
                          native(histogram);
                        })),
            State::kConflict);
  EXPECT_EQ(conflict(),
            "collected metric \"a\" { label:{name:\"instance\" value:\"\"} label:{name:\"job\" value:\"j\"} "
            "histogram:{sample_count:20 sample_sum:99.23 schema:1 positive_span:{length:2} positive_delta:12 "
            "positive_delta:-4}} is not a GAUGE");
}

TEST_F(CanonicalProtobuf, ConflictsPrintWhatTheReferencePrints) {
  key_ = make_key({{"job", "j"}, {"zone", "w"}});
  // Of two labels with a name of the key the first takes the key's value; a timestamp of 0 seconds prints its parts
  // only.
  ASSERT_EQ(push(metric("a", 0,
                        [](pbf_writer& out) {
                          add_label(out, "zone", "x");
                          add_label(out, "zone", "y");
                          pbf_writer counter(out, 3);
                          counter.add_double(1, 1);
                          pbf_writer created(counter, 3);
                          created.add_int64(1, 0);
                          created.add_int32(2, 7);
                        })),
            State::kConflict);
  EXPECT_EQ(conflict(), R"(collected metric "a" { label:{name:"instance" value:""} label:{name:"job" value:"j"} )"
                        R"(label:{name:"zone" value:"w"} label:{name:"zone" value:"y"} counter:{value:1 )"
                        R"(created_timestamp:{nanos:7}}} has two or more labels with the same name: zone)");
}

// The metrics behind one without the content of its type are passed over, but not their timestamps.
TEST_F(CanonicalProtobuf, ATimestampIsTheFirstThingThatIsWrong) {
  const std::string body = family("a", 1, [](pbf_writer& out) {
    out.add_message(4, std::string());
    pbf_writer late(out, 4);
    pbf_writer(late, 2).add_double(1, 1);
    late.add_int64(6, 5);
  });
  ASSERT_EQ(push(body), State::kConflict);
  EXPECT_EQ(conflict(), "pushed metrics must not have timestamps");
}

}  // namespace
}  // namespace sluice::parser
