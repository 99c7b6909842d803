// The order of series against a stable sort by the rule as the header has it, over label values that keys have a hard
// time with: NULs, common beginnings, one the beginning of another, equal ones, more columns than a key holds.
#include "parser/series_sort.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "core/model/families.h"
#include "core/model/group_key.h"
#include "parser/canonical_labels.h"

namespace sluice::parser {
namespace {

using Labels = std::vector<std::pair<std::string, std::string>>;

class Series {
 public:
  explicit Series(std::vector<Labels> all) : all_(std::move(all)) {
    families_.families.emplace_back().name = "f";
    for (const Labels& labels : all_) {
      const uint32_t metric = families_.add_metric(0);
      families_.metrics[metric].labels_begin = static_cast<uint32_t>(families_.labels.size());
      families_.metrics[metric].labels_count = static_cast<uint32_t>(labels.size());
      for (const auto& [name, value] : labels) families_.labels.push_back({name, value});
    }
  }

  // The metrics in order, and the duplicate, in steps of `units`.
  std::pair<std::vector<uint32_t>, uint32_t> sorted(uint32_t units) {
    std::string_view fault;
    EXPECT_EQ(plans_.begin(key_, fault), model::ConflictKind::kNoConflict);
    sort_.begin(families_, static_cast<uint32_t>(all_.size()), 8 * all_.size());
    for (uint32_t metric = 0; metric < all_.size(); ++metric) {
      const model::Metric& at = families_.metrics[metric];
      const LabelPlan& plan = plans_.find({families_.labels.data() + at.labels_begin, at.labels_count});
      sort_.add(metric, plan, plans_.generation());
    }
    size_t steps = 0;
    while (!sort_.step(units)) EXPECT_LT(++steps, 100 * all_.size() + 100);
    std::vector<uint32_t> out;
    for (size_t i = 0; i < sort_.size(); ++i) {
      sort_.prefetch_behind(i);
      out.push_back(sort_.metric(i));
    }
    return {out, sort_.duplicate()};
  }

  // The same by the rule.
  std::pair<std::vector<uint32_t>, uint32_t> expected() const {
    using Order = std::tuple<size_t, std::vector<std::string>, std::vector<std::string>>;
    std::vector<std::pair<Order, uint32_t>> order;
    for (uint32_t metric = 0; metric < all_.size(); ++metric) {
      Labels labels = all_[metric];
      labels.emplace_back("instance", "");
      labels.emplace_back("job", "j");
      std::ranges::sort(labels);
      Order one;
      std::get<0>(one) = labels.size();
      for (const auto& [name, value] : labels) {
        std::get<1>(one).push_back(value);
        std::get<2>(one).push_back(name);
      }
      order.emplace_back(std::move(one), metric);
    }
    std::ranges::sort(order);
    std::vector<uint32_t> out;
    uint32_t duplicate = model::kNone;
    for (size_t i = 0; i < order.size(); ++i) {
      out.push_back(order[i].second);
      if (i != 0 && order[i - 1].first == order[i].first) duplicate = std::min(duplicate, order[i].second);
    }
    return {out, duplicate};
  }

 private:
  std::vector<Labels> all_;
  model::Families families_;
  const model::GroupKey key_ = model::GroupKey::from_labels({{"job", "j"}});
  LabelPlans plans_;
  SeriesSort sort_;
};

void expect_sorted(std::vector<Labels> all) {
  Series series(std::move(all));
  const auto expected = series.expected();
  for (const uint32_t units : {1U, 3U, 1'000'000U}) EXPECT_EQ(series.sorted(units), expected) << units;
}

TEST(SeriesSort, OneColumnByItsValue) {
  std::vector<Labels> all;
  for (const char* value : {"b", "a", "", "ab", "abc", "aa", "\x7f", "\xc3\xa9", "z"}) all.push_back({{"l", value}});
  expect_sorted(all);
}

TEST(SeriesSort, WhatAllHaveInCommonIsNotInTheKey) {
  std::vector<Labels> all;
  const std::string common(100, 'x');
  for (const char* end : {"9", "10", "8", "", "99", "7"}) all.push_back({{"a", "same"}, {"l", common + end}});
  expect_sorted(all);
}

TEST(SeriesSort, ABeginningSortsBeforeWhatFollowsInTheNextColumn) {
  expect_sorted({{{"a", "x"}, {"b", "zz"}},
                 {{"a", "xy"}, {"b", "a"}},
                 {{"a", "x"}, {"b", "a"}},
                 {{"a", "xx"}, {"b", ""}},
                 {{"a", ""}, {"b", "z"}}});
}

TEST(SeriesSort, ValuesWithANulAreComparedWithoutKeys) {
  using namespace std::string_literals;
  expect_sorted({{{"a", "x"}, {"b", "z"}},
                 {{"a", "y"}, {"b", "a"}},
                 {{"a", "x\0"s}, {"b", "a"}},
                 {{"a", "x\0y"s}, {"b", "\0"s}},
                 {{"a", "x"}, {"b", "\0"s}}});
}

TEST(SeriesSort, ValuesLongerThanAKeyAreLookedAt) {
  std::vector<Labels> all;
  for (const char* end : {"b", "a", "c", "a", "c"}) {
    all.push_back({{"a", "0123456789abcdef" + std::string(end)}, {"b", end}});
    all.push_back({{"a", "1"}, {"b", "0123456789abcdef" + std::string(end)}});
  }
  expect_sorted(all);
}

// Long values of a few beginnings, which begin again with one of a few: keys that are many times the same, at every
// depth and across columns.
TEST(SeriesSort, ManyWithOneKeyAreSortedByTheNext) {
  std::mt19937_64 random(3);
  constexpr std::string_view kNul("\0", 1);
  for (int round = 0; round < 60; ++round) {
    std::vector<std::string> pieces;
    for (int i = 0; i < 3; ++i) {
      pieces.emplace_back(random() % 40, static_cast<char>('a' + random() % 3));
      if (round % 10 == 9 && random() % 4 == 0) pieces.back() += kNul;
    }
    const auto value = [&] {
      std::string out;
      for (uint64_t count = random() % 5; count != 0; --count) out += pieces[random() % pieces.size()];
      return out + std::string(random() % 2, 'b');
    };
    std::vector<Labels> all;
    for (uint64_t count = 100 + random() % 400; count != 0; --count) all.push_back({{"p", value()}, {"q", value()}});
    expect_sorted(std::move(all));
    if (testing::Test::HasFailure()) return;
  }
}

TEST(SeriesSort, OtherLabelNamesAreComparedLabelByLabel) {
  expect_sorted({{{"a", "x"}},
                 {{"b", "x"}},
                 {{"a", "x"}, {"b", "a"}},
                 {{"b", "x"}, {"a", "w"}},
                 {},
                 {{"a", "x"}},
                 {{"zone", "a"}, {"c", "x"}},
                 {{"b", "a"}, {"a", "x"}}});
}

TEST(SeriesSort, RandomSeriesAgreeWithTheRule) {
  std::mt19937_64 random(7);
  constexpr std::string_view kBytes[] = {"ab", "abcdefgh", std::string_view("a\0b", 3), "\xc3\xa9 z"};
  for (int round = 0; round < 300; ++round) {
    const std::string_view bytes = kBytes[random() % 4];
    const auto columns = random() % 4;
    const bool mixed = random() % 4 == 0;
    const std::string common(random() % 20, 'c');
    std::vector<Labels> all;
    for (uint64_t count = random() % 120; count != 0; --count) {
      Labels labels;
      for (uint64_t column = 0; column < columns; ++column) {
        if (mixed && random() % 8 == 0) continue;
        std::string value = random() % 3 == 0 ? "" : common;
        for (uint64_t size = random() % 12; size != 0; --size) value += bytes[random() % bytes.size()];
        labels.emplace_back(std::string(1, static_cast<char>('p' + column)), std::move(value));
      }
      all.push_back(std::move(labels));
    }
    expect_sorted(std::move(all));
    if (testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace sluice::parser
