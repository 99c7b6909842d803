// A part of a snapshot shows what the whole shows of its groups: the same help and type, and no family without a group.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/render/protobuf_renderer.h"
#include "core/render/renderer.h"
#include "tests/core/render/fake_snapshot.h"

namespace sluice::render {
namespace {

using Buckets = std::vector<store::Snapshot::Bucket>;
using model::MetricType;

std::string all_of(ByteSource& source) {
  std::string text(1 << 20, '\0');
  size_t used = 0;
  EXPECT_EQ(source.produce(text.data(), text.size(), used, Deadline::never()), ByteSource::State::kDone);
  text.resize(used);
  return text;
}

std::string text_of(const Buckets& buckets, std::vector<OwnFamily> own = {}) {
  Renderer renderer(buckets, std::move(own));
  const std::string text = all_of(renderer);
  return text.substr(0, text.find("# HELP push_"));
}

// The groups of a bucket are in another part.
void move_away(store::Snapshot::Bucket& bucket) {
  bucket.groups_elsewhere = bucket.groups;
  bucket.groups = 0;
  bucket.chunks.clear();
}

TEST(PartRender, HelpAndTypeAreThoseOfTheWhole) {
  FakeSnapshot snapshot;
  const size_t one = snapshot.add_shape({{"a", "first", true, MetricType::kGauge}, {"b", "", false}});
  const size_t two = snapshot.add_shape({{"a", "second", true, MetricType::kGauge}});
  snapshot.add_group(one, "job=\"t\"", {"a{1} 1\n", "b{1} 1\n"});
  snapshot.add_group(two, "job=\"u\"", {"a{2} 2\n"});
  Buckets rest = snapshot.buckets();
  move_away(rest[one]);
  EXPECT_EQ(text_of(rest), "# HELP a first\n# TYPE a gauge\na{2} 2\n");
  Buckets first = snapshot.buckets();
  move_away(first[two]);
  EXPECT_EQ(text_of(first), "# HELP a first\n# TYPE a gauge\na{1} 1\n# TYPE b untyped\nb{1} 1\n");
}

TEST(PartRender, LeavesOutWhatTheWholeLeavesOut) {
  FakeSnapshot snapshot;
  const size_t gauges = snapshot.add_shape({{"a", "", false, MetricType::kGauge}});
  const size_t counters = snapshot.add_shape({{"a", "", false, MetricType::kCounter}});
  for (const char* text : {"a{1} 1\n", "a{2} 2\n"}) snapshot.add_group(gauges, "job=\"t\"", {text});
  snapshot.add_group(counters, "job=\"u\"", {"a{3} 3\n"});
  Buckets part = snapshot.buckets();
  move_away(part[gauges]);
  Renderer renderer(part, {});
  EXPECT_EQ(all_of(renderer).find("a{3}"), std::string::npos);
  EXPECT_EQ(renderer.left_out(), 1u);
  part = snapshot.buckets();
  move_away(part[counters]);
  Renderer other(part, {});
  EXPECT_NE(all_of(other).find("a{1} 1\na{2} 2\n"), std::string::npos);
  EXPECT_EQ(other.left_out(), 0u);
}

TEST(PartRender, WithoutGroupsItIsEmpty) {
  FakeSnapshot snapshot;
  const size_t one = snapshot.add_shape({{"a", "help", true, MetricType::kGauge}});
  snapshot.add_group(one, "job=\"t\"", {"a{1} 1\n"});
  Buckets part = snapshot.buckets();
  move_away(part[one]);
  const std::vector<OwnFamily> own{{"a", "ours", MetricType::kGauge, ""}, {"z", "ours", MetricType::kGauge, ""}};
  Renderer renderer(part, own);
  EXPECT_EQ(all_of(renderer), "");
  for (const ProtobufForm form : {ProtobufForm::kDelimited, ProtobufForm::kText, ProtobufForm::kCompactText}) {
    ProtobufRenderer protobuf(part, own, form, NameEscaping::kUnderscores);
    EXPECT_EQ(all_of(protobuf), "");
  }
  // Pushed into one of ours: our help, without our lines.
  EXPECT_EQ(text_of(snapshot.buckets(), own), "# HELP a ours\n# TYPE a gauge\na{1} 1\n");
}

}  // namespace
}  // namespace sluice::render
