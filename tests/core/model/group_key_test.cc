// The grouping key against std::map, with few and many labels, in every order and with names that repeat.
#include "core/model/group_key.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/hash.h"

namespace sluice::model {
namespace {

using Text = std::vector<std::pair<std::string, std::string>>;

std::vector<LabelPair> views(const Text& labels) {
  std::vector<LabelPair> out;
  for (const auto& [name, value] : labels) out.push_back({name, value});
  return out;
}

void append_text(std::string& out, std::string_view text) {
  for (int shift = 0; shift < 32; shift += 8) out += static_cast<char>(text.size() >> shift & 0xff);
  out += text;
}

void check_labels(const GroupKey& key, const std::map<std::string, std::string>& wanted) {
  ASSERT_EQ(key.label_count(), wanted.size());
  std::string bytes;
  size_t at = 0;
  for (const auto& [name, value] : wanted) {
    EXPECT_EQ(key.label(at).name, name);
    EXPECT_EQ(key.label(at).value, value);
    EXPECT_EQ(key.value_of(name), value);
    append_text(bytes, name);
    append_text(bytes, value);
    ++at;
  }
  EXPECT_EQ(key.bytes(), bytes);
  EXPECT_EQ(key.hash(), keyed_hash(bytes));
}

void check(const Text& labels) {
  std::map<std::string, std::string> wanted;
  for (const auto& [name, value] : labels) wanted[name] = value;
  if (const auto at = wanted.find("instance"); at != wanted.end() && at->second.empty()) wanted.erase(at);
  const GroupKey key = GroupKey::from_labels(views(labels));
  check_labels(key, wanted);
  std::vector<LabelPair> there = views(labels);
  check_labels(GroupKey::from_label_span(there), wanted);
  check_labels(GroupKey::from_bytes(key.bytes()), wanted);
}

TEST(GroupKey, SortsAndDropsAsAMapDoes) {
  std::mt19937 random(20261127);
  const auto below = [&](size_t limit) { return random() % limit; };
  const std::string names[] = {"job", "instance", "a", "ab", "b", "", "\xff", "zone", "Z", "a.b", std::string("\0", 1)};
  const std::string values[] = {"", "x", "host-1", std::string(300, 'v'), std::string("\0y", 2)};
  for (int round = 0; round < 20'000; ++round) {
    Text labels(below(6));
    for (auto& [name, value] : labels) {
      name = names[below(std::size(names))];
      value = values[below(std::size(values))];
    }
    check(labels);
    if (HasFatalFailure()) return;
  }
}

TEST(GroupKey, ManyLabels) {
  std::mt19937 random(5);
  for (size_t count : {7, 8, 9, 15, 16, 17, 18, 64, 1000}) {
    for (int round = 0; round < 50; ++round) {
      Text labels;
      for (size_t i = 0; i < count; ++i) {
        labels.emplace_back("n" + std::to_string(random() % (count / 2)), std::to_string(i));
      }
      check(labels);
      if (HasFatalFailure()) return;
    }
  }
}

TEST(GroupKey, CopiesAndMovesKeepTheirBytes) {
  GroupKey moved;
  GroupKey copy;
  EXPECT_EQ(copy.bytes(), "");
  EXPECT_EQ(copy.label_count(), 0u);
  EXPECT_EQ(copy.job().data(), nullptr);
  {
    GroupKey key = GroupKey::from_labels({{"job", "t"}, {"instance", "i"}});
    copy = key;
    moved = std::move(key);
    key = GroupKey::from_labels({{"job", "other"}});
    EXPECT_EQ(key.job(), "other");
  }
  check_labels(copy, {{"instance", "i"}, {"job", "t"}});
  check_labels(moved, {{"instance", "i"}, {"job", "t"}});
  EXPECT_NE(copy.bytes().data(), moved.bytes().data());
  EXPECT_EQ(copy.value_of("jo").data(), nullptr);
}

}  // namespace
}  // namespace sluice::model
