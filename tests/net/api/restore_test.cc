// Stored groups back in a store: as they were, whatever their labels are called and spelled like.
#include "net/api/restore.h"

#include <array>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "core/model/label_text.h"
#include "net/api/stored_family.h"
#include "tests/core/store/testing.h"

namespace sluice::net::api {
namespace {

using store::testing::Labels;

std::string stored_text(const model::GroupKey& key, std::string_view text) {
  std::string body;
  std::string label_text;
  model::append_label_text(label_text, key);
  wal::StoredFamily family;
  family.name = "m";
  family.text = text;
  append_stored_text(body, family, key, label_text);
  return body.substr(body.find('\n') + 1);
}

TEST(StoredText, LabelsOfTheGroupAreLeftOut) {
  const model::GroupKey key = model::GroupKey::from_labels({{"job", "j"}, {"instance", "i"}, {"le", "x"}, {"z", "}"}});
  // Wherever they stand, and all of them.
  EXPECT_EQ(stored_text(
                key, "m{a=\"1\",instance=\"i\",job=\"j\",z=\"}\"} 3\nm{instance=\"i\",job=\"j\",z=\"}\",zz=\"2\"} 4\n"),
            "m{a=\"1\"} 3\nm{zz=\"2\"} 4\n");
  EXPECT_EQ(stored_text(key, "m{instance=\"i\",job=\"j\",z=\"}\"} NaN\n"), "m NaN\n");
  // Not what only looks like them.
  EXPECT_EQ(stored_text(key, "m{a=\"\\\"},instance=\\\"i\",b=\",job=\",job=\"j\",my_job=\"job=\\\\\"} 1\n"),
            "m{a=\"\\\"},instance=\\\"i\",b=\",job=\",my_job=\"job=\\\\\"} 1\n");
  // Names that need quotes stay, and so does the bound of a bucket.
  EXPECT_EQ(stored_text(key, "{\"m.m\",\"job\"=\"j\",instance=\"i\",\"z,}\"=\"1\"} 1\n"),
            "{\"m.m\",\"job\"=\"j\",\"z,}\"=\"1\"} 1\n");
  EXPECT_EQ(stored_text(key, "m_bucket{job=\"j\",le=\"+Inf\"} 1\nm_sum{job=\"j\",le=\"x\"} 2\n"),
            "m_bucket{le=\"+Inf\"} 1\nm_sum{le=\"x\"} 2\n");
  // What was cut off ends where it ends.
  EXPECT_EQ(stored_text(key, "m{a=\"1\\"), "m{a=\"1\\");
  EXPECT_EQ(stored_text(key, "m 1"), "m 1");
}

// Values with everything in them that has a meaning somewhere.
std::string random_value(std::mt19937_64& random) {
  constexpr std::array<std::string_view, 12> kPieces = {"a", "\"", "\\",   ",",    "{", "}",
                                                        "=", "\n", "job=", "i=\"", " ", "\xc3\xa4"};
  std::string value;
  for (uint64_t left = random() % 6; left != 0; --left) value += kPieces[random() % kPieces.size()];
  return value;
}

// A body of one of a few shapes, so that most repeat an earlier one but for their numbers.
std::string random_body(std::mt19937_64& random) {
  const auto number = [&] { return std::to_string(random() % 1'000'000) + (random() % 2 == 0 ? ".5" : ""); };
  std::string body;
  const uint64_t shape = random() % 5;
  for (uint64_t i = 0; i <= shape; ++i) {
    body += "# HELP g" + std::to_string(i) + " What \\\\ it is.\n# TYPE g" + std::to_string(i) + " gauge\n";
    body += "g" + std::to_string(i) + "{job=\"of the body\",path=\"/a,\\\"{}=\"} " + number() + "\n";
    if (i % 2 == 1) body += "g" + std::to_string(i) + " " + number() + "\n";
  }
  if (shape == 4) {
    body += "# TYPE h histogram\nh_bucket{le=\"0.5\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum " + number() + "\nh_count 2\n";
    body += "# TYPE s summary\ns{quantile=\"0.5\"} " + number() + "\ns_sum 1\ns_count 2\n";
  }
  return body;
}

TEST(Restore, WhatWasStoredIsThereAgain) {
  std::mt19937_64 random(7);
  std::string folder = ::testing::TempDir() + "sluice_restore_XXXXXX";
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  const std::string file = folder + "/state";
  store::Store before({});
  store::testing::Client client(before);
  for (int i = 0; i < 400; ++i) {
    Labels labels = {{"job", "j" + std::to_string(i)}};
    if (random() % 3 != 0) labels.emplace_back("instance", random_value(random));
    if (random() % 3 == 0) labels.emplace_back("zone", random_value(random));
    const int64_t wall_ns = 1'000'000'000 + i;
    client.push(labels, random_body(random), true, wall_ns);
    // Families of two times.
    if (random() % 4 == 0) client.push(labels, random_body(random), false, wall_ns + 1);
  }
  const auto expected = client.contents();
  {
    const auto snapshot = client.snapshot();
    const auto size = wal::write_state_file(file, *snapshot, client.writer());
    ASSERT_TRUE(size) << size.error();
  }
  store::Store after({});
  store::testing::Client reader(after);
  {
    Restore restore(reader.writer(), true);
    wal::StateFileReader state;
    ASSERT_TRUE(state.open(file));
    wal::StoredGroup group;
    for (;;) {
      const auto more = state.next(group);
      ASSERT_TRUE(more) << more.error();
      if (!*more) break;
      const auto restored = restore.group(group);
      EXPECT_TRUE(restored) << group.label_text << ": " << restored.error();
    }
  }
  std::filesystem::remove_all(folder);
  const auto found = reader.contents();
  ASSERT_EQ(found.size(), expected.size());
  for (const auto& [name, group] : expected) {
    const auto same = found.find(name);
    ASSERT_NE(same, found.end()) << name;
    EXPECT_EQ(same->second.families, group.families) << name;
    EXPECT_EQ(same->second.push_time_ns, group.push_time_ns) << name;
  }
}

}  // namespace
}  // namespace sluice::net::api
