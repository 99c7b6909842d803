// The pushed families and the gateway's own, rendered apart and put together by place, are the whole scrape.
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/render/protobuf_renderer.h"
#include "core/render/renderer.h"
#include "tests/core/render/fake_snapshot.h"

namespace sluice::render {
namespace {

using model::MetricType;

// By place; every call into a buffer of another size, every other with no time.
std::map<uint32_t, std::string> pieces_of(SnapshotSource& source, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::map<uint32_t, std::string> pieces;
  std::string buffer(3000, '\0');
  for (auto state = ByteSource::State::kMore; state == ByteSource::State::kMore;) {
    const uint32_t place = source.place();
    const size_t capacity = 1 + random() % buffer.size();
    size_t used = 0;
    state = source.produce(buffer.data(), capacity, used, random() % 2 == 0 ? Deadline{0} : Deadline::never());
    if (used == 0) continue;
    EXPECT_TRUE(pieces.empty() || pieces.rbegin()->first <= place) << "backwards";
    pieces[place].append(buffer, 0, used);
  }
  return pieces;
}

std::string together(std::map<uint32_t, std::string> pushed, const std::map<uint32_t, std::string>& own) {
  pushed.insert(own.begin(), own.end());
  std::string all;
  for (const auto& [place, text] : pushed) all += text;
  return all;
}

FakeSnapshot some_groups() {
  FakeSnapshot snapshot;
  const size_t one = snapshot.add_shape({{"a", "", false, MetricType::kGauge},
                                         {"own_b", "other", true, MetricType::kCounter},
                                         {"own_c", "", false, MetricType::kCounter},
                                         {"z", "last", true, MetricType::kGauge}});
  const size_t two = snapshot.add_shape({{"own_b", "", false, MetricType::kGauge}, {"own_bb", "", false}});
  for (int i = 0; i < 300; ++i) {
    const std::string label = "{instance=\"" + std::to_string(i) + "\"} 1\n";
    snapshot.add_group(one, "instance=\"" + std::to_string(i) + "\",job=\"t\"",
                       {"a" + label, "own_b" + label, "own_c" + label, "z" + label}, i);
    if (i % 3 == 0) snapshot.add_group(two, "job=\"u\"", {"own_b 1\n", "own_bb" + label}, i);
  }
  return snapshot;
}

std::vector<OwnFamily> own_families() {
  return {{"own_b", "ours", MetricType::kCounter, "own_b 7\n"},
          {"own_c", "ours without lines", MetricType::kCounter, ""},
          {"own_d", "nobody pushes it", MetricType::kGauge, "own_d 8\n"},
          {"zz", "", MetricType::kGauge, "zz 9\n"}};
}

std::unique_ptr<SnapshotSource> make(int form, const FakeSnapshot& snapshot, FamilyShown shown) {
  if (form == 3) {
    return std::make_unique<Renderer>(snapshot.buckets(), own_families(), NameEscaping::kUnderscores,
                                      FamilyWalk::OnHelpConflict(), shown);
  }
  return std::make_unique<ProtobufRenderer>(snapshot.buckets(), own_families(), static_cast<ProtobufForm>(form),
                                            NameEscaping::kUnderscores, FamilyWalk::OnHelpConflict(), shown);
}

TEST(Shown, PushedAndOwnTogetherAreAll) {
  const FakeSnapshot snapshot = some_groups();
  for (int form = 0; form < 4; ++form) {
    const auto whole = make(form, snapshot, FamilyShown::kAll);
    const auto all = pieces_of(*whole, 1);
    ASSERT_EQ(all.size(), 1u);
    for (uint64_t seed = 0; seed < 20; ++seed) {
      const auto pushed = make(form, snapshot, FamilyShown::kPushed);
      const auto own = make(form, snapshot, FamilyShown::kOwn);
      const auto pushed_pieces = pieces_of(*pushed, seed);
      const auto own_pieces = pieces_of(*own, seed);
      ASSERT_EQ(together(pushed_pieces, own_pieces), all.at(0)) << form << " " << seed;
      EXPECT_EQ(pushed->left_out() + own->left_out(), whole->left_out());
      EXPECT_GT(own->left_out(), 0u);  // own_b as a gauge
      EXPECT_TRUE(pushed->left_to_own());
    }
  }
}

TEST(Shown, NobodyPushesAFamilyOfOurs) {
  FakeSnapshot snapshot;
  const size_t shape = snapshot.add_shape({{"m", "", false, MetricType::kGauge}});
  snapshot.add_group(shape, "job=\"t\"", {"m 1\n"});
  const FakeSnapshot nothing;
  for (int form = 0; form < 4; ++form) {
    const auto pushed = make(form, snapshot, FamilyShown::kPushed);
    const auto own = make(form, nothing, FamilyShown::kOwn);
    const auto all = make(form, snapshot, FamilyShown::kAll);
    // The own ones need no snapshot then.
    EXPECT_EQ(together(pieces_of(*pushed, 1), pieces_of(*own, 2)), pieces_of(*all, 3).at(0));
    EXPECT_FALSE(pushed->left_to_own());
  }
}

}  // namespace
}  // namespace sluice::render
