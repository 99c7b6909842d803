// The renderer over snapshots made by hand: order, blocks, own families, conflicts, names, slices.
#include "core/render/renderer.h"

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/render/escape_names.h"
#include "tests/core/render/fake_snapshot.h"

namespace sluice::render {
namespace {

using model::MetricType;

// Everything in one piece, or in pieces of the given capacities (repeated) under a deadline that has always passed.
std::string render(Renderer& renderer, const std::vector<size_t>& capacities = {1 << 20},
                   Deadline deadline = Deadline::never()) {
  std::string text;
  std::vector<char> buffer(*std::ranges::max_element(capacities) + 1, '#');
  for (size_t i = 0;; ++i) {
    const size_t capacity = capacities[i % capacities.size()];
    buffer[capacity] = '#';
    size_t used = 0;
    const auto state = renderer.produce(buffer.data(), capacity, used, deadline);
    EXPECT_LE(used, capacity);
    EXPECT_EQ(buffer[capacity], '#');
    text.append(buffer.data(), used);
    if (state == ByteSource::State::kDone) return text;
  }
}

std::string render(const FakeSnapshot& snapshot, std::vector<OwnFamily> own = {},
                   NameEscaping escaping = NameEscaping::kUnderscores) {
  Renderer renderer(snapshot.buckets(), std::move(own), escaping);
  return render(renderer);
}

constexpr std::string_view kTimes =
    "# HELP push_failure_time_seconds Last Unix time when changing this group in the Pushgateway failed.\n"
    "# TYPE push_failure_time_seconds gauge\n"
    "push_failure_time_seconds{instance=\"\",job=\"t\"} 0\n"
    "# HELP push_time_seconds Last Unix time when changing this group in the Pushgateway succeeded.\n"
    "# TYPE push_time_seconds gauge\n"
    "push_time_seconds{instance=\"\",job=\"t\"} 1.5\n";

TEST(Render, AnEmptyStoreShowsOurFamiliesOnly) {
  const FakeSnapshot snapshot;
  EXPECT_EQ(render(snapshot), "");
  EXPECT_EQ(render(snapshot, {{"b", "help", MetricType::kCounter, "b 1\n"}, {"c", "", MetricType::kGauge, ""}}),
            "# HELP b help\n# TYPE b counter\nb 1\n");
}

TEST(Render, MergesShapesByName) {
  FakeSnapshot snapshot;
  const size_t one =
      snapshot.add_shape({{"a", "", false, MetricType::kGauge}, {"c", "see\nc\\", true, MetricType::kUntyped}});
  const size_t two = snapshot.add_shape({{"b", "", true, MetricType::kHistogram}, {"c", "other", true}});
  snapshot.add_group(one, "instance=\"\",job=\"t\"", {"a{1} 1\n", "c{1} 2\n"}, 1'500'000'000);
  snapshot.add_group(two, "instance=\"\",job=\"u\"", {"b{2} 3\n", "c{2} 4\nc{2,x} 5\n"}, 1'790'000'000'123'456'789,
                     2'000'000'000);
  EXPECT_EQ(
      render(snapshot, {{"bb", "ours", MetricType::kCounter, "bb 1\n"}, {"z", "z", MetricType::kSummary, "z 0\n"}}),
      "# TYPE a gauge\na{1} 1\n"
      "# HELP b \n# TYPE b histogram\nb{2} 3\n"
      "# HELP bb ours\n# TYPE bb counter\nbb 1\n"
      "# HELP c see\\nc\\\\\n# TYPE c untyped\nc{1} 2\nc{2} 4\nc{2,x} 5\n"
      "# HELP push_failure_time_seconds Last Unix time when changing this group in the Pushgateway failed.\n"
      "# TYPE push_failure_time_seconds gauge\n"
      "push_failure_time_seconds{instance=\"\",job=\"t\"} 0\n"
      "push_failure_time_seconds{instance=\"\",job=\"u\"} 2\n"
      "# HELP push_time_seconds Last Unix time when changing this group in the Pushgateway succeeded.\n"
      "# TYPE push_time_seconds gauge\n"
      "push_time_seconds{instance=\"\",job=\"t\"} 1.5\n"
      "push_time_seconds{instance=\"\",job=\"u\"} 1.7900000001234567e+09\n"
      "# HELP z z\n# TYPE z summary\nz 0\n");
}

TEST(Render, SharesABlockWithOurFamily) {
  FakeSnapshot snapshot;
  const size_t shape = snapshot.add_shape({{"process_x", "theirs", true, MetricType::kGauge}});
  snapshot.add_group(shape, "instance=\"\",job=\"t\"", {"process_x{job=\"t\"} 2\n"}, 1'500'000'000);
  const std::string text = render(snapshot, {{"process_x", "ours", MetricType::kGauge, "process_x 1\n"}});
  EXPECT_EQ(text, "# HELP process_x ours\n# TYPE process_x gauge\nprocess_x 1\nprocess_x{job=\"t\"} 2\n" +
                      std::string(kTimes));
  // Ours has nothing to show yet: its help and type hold all the same.
  EXPECT_TRUE(render(snapshot, {{"process_x", "ours", MetricType::kGauge, ""}})
                  .starts_with("# HELP process_x ours\n# TYPE process_x gauge\nprocess_x{job=\"t\"} 2\n"));
}

TEST(Render, LeavesOutFragmentsOfAnotherType) {
  FakeSnapshot snapshot;
  const size_t gauge = snapshot.add_shape({{"a", "", false, MetricType::kGauge}});
  const size_t counter = snapshot.add_shape({{"a", "", false, MetricType::kCounter}, {"b", "", false}});
  snapshot.add_group(gauge, "job=\"1\"", {"a{1} 1\n"});
  snapshot.add_group(counter, "job=\"2\"", {"a{2} 1\n", "b{2} 1\n"});
  snapshot.add_group(counter, "job=\"3\"", {"a{3} 1\n", "b{3} 1\n"});
  Renderer renderer(snapshot.buckets(), {});
  std::string text = render(renderer);
  EXPECT_TRUE(text.starts_with("# TYPE a counter\na{2} 1\na{3} 1\n# TYPE b untyped\nb{2} 1\nb{3} 1\n")) << text;
  EXPECT_EQ(renderer.left_out(), 1u);
  Renderer with_own(snapshot.buckets(), {{"a", "", MetricType::kGauge, "a 0\n"}});
  text = render(with_own);
  EXPECT_TRUE(text.starts_with("# HELP a \n# TYPE a gauge\na 0\na{1} 1\n# TYPE b untyped\n")) << text;
  EXPECT_EQ(with_own.left_out(), 2u);
}

TEST(Render, EscapesNamesForTheDefaultScrapeOnly) {
  FakeSnapshot snapshot;
  const size_t shape = snapshot.add_shape({{"a", "", false}, {"b.c\"", "h", true}});
  snapshot.add_group(
      shape, "instance=\"\",job=\"t\"",
      {"a{\"d.e\"=\"x,\\\"y\",f=\"g\"} 1\na{f=\"g\"} 2\n", "{\"b.c\\\"\",f=\"a}b\"} 1\n{\"b.c\\\"\"} 2\n"},
      1'500'000'000, 0, {"12345678"});
  EXPECT_EQ(render(snapshot),
            "# TYPE a untyped\na{d_e=\"x,\\\"y\",f=\"g\"} 1\na{f=\"g\"} 2\n"
            "# HELP b_c_ h\n# TYPE b_c_ untyped\nb_c_{f=\"a}b\"} 1\nb_c_{} 2\n" +
                std::string(kTimes));
  EXPECT_EQ(render(snapshot, {}, NameEscaping::kNone),
            "# TYPE a untyped\na{\"d.e\"=\"x,\\\"y\",f=\"g\"} 1\na{f=\"g\"} 2\n"
            "# HELP \"b.c\\\"\" h\n# TYPE \"b.c\\\"\" untyped\n{\"b.c\\\"\",f=\"a}b\"} 1\n{\"b.c\\\"\"} 2\n" +
                std::string(kTimes));
}

// The suffix of a sample's name is not escaped with it: the reference escapes the family's name.
TEST(Render, EscapesNamesBySchemeAndLongFragmentsLineByLine) {
  FakeSnapshot snapshot;
  const size_t shape = snapshot.add_shape({{"b.c", "", false, MetricType::kSummary}});
  std::string text;
  for (int i = 0; i < 500; ++i) {
    const std::string labels = ",\"d_e-f\"=\"" + std::to_string(i) + "\"} 1\n";
    text += "{\"b.c_sum\"" + labels + "{\"b.c_count\"" + labels;
  }
  snapshot.add_group(shape, "job=\"t\"", {text});
  const auto expect = [&](NameEscaping escaping, const std::string& name, const std::string& label) {
    std::string wanted = "# TYPE " + name + " summary\n";
    for (int i = 0; i < 500; ++i) {
      const std::string labels = "{" + label + "=\"" + std::to_string(i) + "\"} 1\n";
      wanted += name;
      wanted += "_sum" + labels;
      wanted += name;
      wanted += "_count" + labels;
    }
    EXPECT_TRUE(render(snapshot, {}, escaping).starts_with(wanted));
    Renderer sliced(snapshot.buckets(), {}, escaping);
    EXPECT_TRUE(render(sliced, {100, 7}, Deadline{0}).starts_with(wanted));
  };
  expect(NameEscaping::kUnderscores, "b_c", "d_e_f");
  expect(NameEscaping::kDots, "b_dot_c", "d__e__f");
  expect(NameEscaping::kValues, "U__b_2e_c", "U__d__e_2d_f");
}

TEST(Render, EscapesNamesOfTheGroupingKey) {
  FakeSnapshot snapshot;
  const size_t shape = snapshot.add_shape({});
  snapshot.add_group(shape, "\"a.b\"=\"x,\",job=\"t\",\"ü\"=\"\\\"\"", {}, 1'500'000'000);
  snapshot.add_group(shape, "a=\"x,\",job=\"t\"", {}, 2'500'000'000);
  EXPECT_TRUE(
      render(snapshot).ends_with("push_time_seconds{a_b=\"x,\",job=\"t\",_=\"\\\"\"} 1.5\n"
                                 "push_time_seconds{a=\"x,\",job=\"t\"} 2.5\n"));
  EXPECT_TRUE(render(snapshot, {}, NameEscaping::kNone)
                  .find("push_time_seconds{\"a.b\"=\"x,\",job=\"t\",\"ü\"=\"\\\"\"} 1.5\n") != std::string::npos);
}

TEST(Render, EscapedNamesAreTheReferences) {
  const auto escaped = [](std::string_view name) {
    std::string out;
    for (const auto escaping : {NameEscaping::kUnderscores, NameEscaping::kDots, NameEscaping::kValues}) {
      append_escaped_name(name, escaping, out);
      out += ' ';
    }
    append_escaped_name(name, NameEscaping::kNone, out);
    return out;
  };
  EXPECT_EQ(escaped("a.b"), "a_b a_dot_b U__a_2e_b a.b");
  EXPECT_EQ(escaped("a_b:"), "a_b: a_b: a_b: a_b:");
  EXPECT_EQ(escaped("a_b.c-d"), "a_b_c_d a__b_dot_c__d U__a__b_2e_c_2d_d a_b.c-d");
  EXPECT_EQ(escaped("1a1:"), "_a1: __a1: U___31_a1: 1a1:");
  EXPECT_EQ(escaped("grün€😀x"), "gr_n__x gr__n____x U__gr_fc_n_20ac__1f600_x grün€😀x");
  EXPECT_EQ(escaped("a\xff\xc3("), "a___ a______ U__a_fffd__fffd__28_ a\xff\xc3(");
  EXPECT_EQ(escaped(""), "   ");
}

FakeSnapshot many_groups(uint64_t seed) {
  std::mt19937_64 random(seed);
  FakeSnapshot snapshot;
  for (int s = 0; s < 40; ++s) {
    std::vector<model::ShapeFamily> families;
    std::vector<std::string> names;
    for (int f = 0; f < 30; ++f) {
      if (random() % 3 == 0) names.push_back("family_" + std::to_string(100 + f));
    }
    for (const std::string& name : names) families.push_back({name, "", false, MetricType::kGauge});
    const size_t shape = snapshot.add_shape(families);
    const size_t groups = s == 0 ? 1200 : random() % 20;
    for (size_t g = 0; g < groups; ++g) {
      std::vector<std::string> texts;
      for (const std::string& name : names) {
        std::string text;
        const size_t lines = random() % 200 == 0 ? 3000 : 1 + random() % 3;
        for (size_t l = 0; l < lines; ++l)
          text += name + "{g=\"" + std::to_string(g) + "\"} " + std::to_string(l) + "\n";
        texts.push_back(std::move(text));
      }
      snapshot.add_group(shape, "job=\"" + std::to_string(s) + "/" + std::to_string(g) + "\"", texts, 1, 2);
    }
  }
  return snapshot;
}

TEST(Render, AnySlicingGivesTheSameBytes) {
  const FakeSnapshot snapshot = many_groups(5);
  std::vector<OwnFamily> own = {{"family_110", "h", MetricType::kGauge, "family_110 1\n"},
                                {"own", "h", MetricType::kGauge, std::string(100000, 'x') + "\n"}};
  Renderer whole(snapshot.buckets(), own);
  const std::string expected = render(whole, {64 << 20});
  ASSERT_GT(expected.size(), 1u << 20);
  for (const std::vector<size_t>& capacities : {std::vector<size_t>{4096}, {16384}, {1000, 70000, 37}, {300 << 10}}) {
    Renderer sliced(snapshot.buckets(), own);
    ASSERT_TRUE(render(sliced, capacities, Deadline{0}) == expected);
  }
  // Families are contiguous and sorted.
  std::string previous;
  size_t types = 0;
  for (size_t at = expected.find("# TYPE "); at != expected.npos; at = expected.find("# TYPE ", at + 1), ++types) {
    const std::string name = expected.substr(at + 7, expected.find(' ', at + 7) - at - 7);
    ASSERT_LT(previous, name);
    previous = name;
  }
  EXPECT_EQ(types, 33u);
}

TEST(Render, TheFirstBytesComeAtOnce) {
  const FakeSnapshot snapshot = many_groups(6);
  Renderer renderer(snapshot.buckets(), {});
  char out[4096];
  size_t used = 0;
  int calls = 0;
  while (used == 0) {
    ASSERT_EQ(renderer.produce(out, sizeof(out), used, Deadline{0}), ByteSource::State::kMore);
    ++calls;
  }
  EXPECT_LE(calls, 10);
}

}  // namespace
}  // namespace sluice::render
