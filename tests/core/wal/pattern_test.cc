// Patterns in the log: what is written as numbers of a pattern is read as the whole push would be, and in every segment
// by itself; what a damaged pattern takes with it is said.
#include "core/wal/pattern.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "core/wal/log.h"
#include "core/wal/record.h"
#include "core/wal/recovery.h"
#include "tests/core/wal/log_bench.h"
#include "tests/core/wal/segment.h"

namespace sluice::wal {
namespace {

using store::testing::Labels;
using testing::Bench;

// What a reader makes of each change: as a filled record behind its pattern, and as a whole one.
class BothWays final : public store::Journal {
 public:
  [[nodiscard]] Verdict begin(size_t /*bytes*/) noexcept override { return Verdict::kAccept; }
  void append(const store::Change& change) noexcept override {
    if (change.push == nullptr || change.push->pattern == nullptr) return;
    ++filled;
    EXPECT_TRUE(is_filled_as_written(change));
    std::string whole;
    append_change(whole, change);
    std::string pattern;
    append_pattern(pattern, change);
    std::string numbers;
    append_filled(numbers, change);
    EXPECT_LT(numbers.size(), whole.size());
    const std::string as_whole = families(whole);
    EXPECT_FALSE(as_whole.empty());
    EXPECT_EQ(families(pattern + numbers), as_whole);
  }
  void abandon() noexcept override {}

  int filled = 0;

 private:
  // Of the last record, without its offset.
  static std::string families(const std::string& records) {
    const std::vector<std::string> lines = testing::read_all(testing::make_segment({}, {records}).bytes);
    return lines.empty() ? "" : lines.back().substr(lines.back().find(' '));
  }
};

TEST(Pattern, WhatIsFilledIsReadAsWhatIsWhole) {
  store::Store store({});
  store::testing::Client client(store);
  BothWays journal;
  client.writer().set_journal(&journal);
  const std::vector<std::string> bodies = {
      "one 1\n",
      "# HELP a Some help.\n# TYPE a counter\na{x=\"1\"} 1\na{x=\"2\"} 2\nb 3\n",
      "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n",
      "# TYPE s summary\ns{quantile=\"0.5\"} 1\ns_sum 3\ns_count 2\n# TYPE g gauge\ng{z=\"=\\\"{,}\\\"\\\\\"} 4\n",
      "# TYPE o gauge\no{instance=\"mine\",job=\"other\"} 5\n",
  };
  const std::vector<Labels> keys = {
      {{"job", "t"}},
      {{"job", "a\"b\\c\nd"}, {"instance", "i"}},
      {{"job", "x=\"1\",y"}, {"a", "={\\\"}"}, {"zone", ""}},
  };
  for (const std::string& body : bodies) {
    for (const Labels& key : keys) {
      const int before = journal.filled;
      for (int round = 0; round < 8; ++round) {
        std::string text = body;
        for (size_t at = 0; (at = text.find(" 3\n", at)) != std::string::npos; ++at) text.insert(at + 2, "0.5");
        client.post(key, round % 2 == 0 ? body : text, 1'000 + round);
        client.put(key, body, 2'000 + round);
      }
      EXPECT_GT(journal.filled, before + 4) << body;
    }
  }
  client.writer().set_journal(nullptr);
}

const std::string kBody = "# TYPE some_metric gauge\nsome_metric{label=\"of some length\"} ";

// A log whose only group is pushed with the values 1, 2, ..
struct Pushed : Bench {
  using Bench::Bench;
  void push_value() {
    clients[0]->post(testing::kGroup, kBody + std::to_string(++value) + "\n");
    log().flush();
  }
  void push_and_sync(int count) {
    for (; count != 0; --count) {
      push_value();
      sync();
    }
  }
  // The value that recovery finds; 0 for none.
  int recovered(RecoveryFigures* figures = nullptr) {
    Recovery recovery(*storage);
    EXPECT_TRUE(recovery.read(1));
    if (figures != nullptr) *figures = recovery.figures();
    int found = 0;
    recovery.for_each_group(0, [&](const StoredGroup& group) {
      const std::string_view text = group.families.at(0).text;
      found = std::stoi(std::string(text.substr(text.rfind(' ') + 1)));
    });
    return found;
  }
  // Offsets of the patterns of a segment.
  std::vector<uint64_t> patterns(uint64_t sequence) {
    std::vector<uint64_t> offsets;
    auto reader = RecordReader::open(*disk.content(segment_name(0, sequence)));
    for (RecordView record; reader->next(record) == RecordReader::Next::kRecord;) {
      if (record.kind == RecordKind::kPattern) offsets.push_back(record.offset);
    }
    return offsets;
  }
  void damage(uint64_t sequence, uint64_t offset) {
    std::string content = *disk.content(segment_name(0, sequence));
    content[offset] = static_cast<char>(content[offset] ^ 1);
    ASSERT_EQ(storage->remove(segment_name(0, sequence)), 0);
    ASSERT_EQ((*storage->create(segment_name(0, sequence)))->write_at(0, content), 0);
  }

  int value = 0;
};

TEST(Pattern, IsWrittenTwiceWhenAPushComesAgain) {
  Pushed log(testing::with(Fsync::kNever));
  ASSERT_TRUE(log.logs.keep());
  for (int push = 0; push < 5; ++push) {
    log.push_value();
    EXPECT_EQ(log.recovered(), log.value);
  }
  EXPECT_EQ(log.patterns(7).size(), 2U);
  const std::vector<RecordView> records = log.records(7);
  ASSERT_EQ(records.size(), 10U);
  EXPECT_FALSE(records[1].is_filled());
  EXPECT_TRUE(records[9].is_filled());
  EXPECT_EQ(records[9].kind, RecordKind::kPost);
  EXPECT_EQ(records[9].family_bytes, "5\n");
}

TEST(Pattern, OneDamagedCopyCostsNothing) {
  for (const size_t copy : {0, 1}) {
    Pushed log(testing::with(Fsync::kAlways));
    ASSERT_TRUE(log.logs.keep());
    log.push_and_sync(6);
    const uint64_t offset = log.patterns(7).at(copy);
    log.damage(7, offset + kRecordHeadBytes + 20);
    RecoveryFigures figures;
    EXPECT_EQ(log.recovered(&figures), log.value);
    ASSERT_EQ(figures.damages.size(), 1U);
    EXPECT_EQ(figures.damages.front().offset, offset);
  }
}

// A sector or a page that is lost, wherever it lies, takes no change with it but those that it has a part of.
TEST(Pattern, NoBlockHasAPartOfBothCopies) {
  for (const size_t block : {512, 4096}) {
    Pushed log(testing::with(Fsync::kAlways));
    ASSERT_TRUE(log.logs.keep());
    log.push_and_sync(40);
    const std::string whole = *log.disk.content(segment_name(0, 7));
    for (size_t begin = kFileHeaderBytes; begin < whole.size(); begin += block - begin % block) {
      const size_t end = std::min(whole.size(), begin + block - begin % block);
      std::string damaged = whole;
      std::fill(damaged.begin() + static_cast<ptrdiff_t>(begin), damaged.begin() + static_cast<ptrdiff_t>(end), '\0');
      auto reader = RecordReader::open(damaged);
      ASSERT_TRUE(reader);
      for (RecordView record;;) {
        const auto next = reader->next(record);
        if (next == RecordReader::Next::kEnd || (next == RecordReader::Next::kBad && !reader->skip())) break;
        if (next == RecordReader::Next::kRecord) {
          EXPECT_FALSE(record.is_orphan()) << block << " at " << begin;
        }
      }
    }
  }
}

TEST(Pattern, ALostOneTakesItsChangesAndIsReported) {
  Pushed log(testing::with(Fsync::kAlways));
  ASSERT_TRUE(log.logs.keep());
  log.push_and_sync(6);
  const int whole = static_cast<int>(std::ranges::count_if(log.records(7), [](const RecordView& record) {
    return record.kind == RecordKind::kPost && !record.is_filled();
  }));
  for (const uint64_t offset : log.patterns(7)) log.damage(7, offset + kRecordHeadBytes + 20);
  RecoveryFigures figures;
  EXPECT_EQ(log.recovered(&figures), whole);
  EXPECT_EQ(figures.records, static_cast<uint64_t>(whole));
  ASSERT_EQ(figures.damages.size(), 3U);
  EXPECT_EQ(figures.damages.back().what, std::to_string(log.value - whole) + " changes have lost their pattern");
  EXPECT_GE(figures.stamp_max, static_cast<uint64_t>(log.value)) << "stamps go on above what is lost";
}

// Each segment is read by itself, also when what is written first was appended before it was there.
TEST(Pattern, ANewSegmentHasItsOwn) {
  LogOptions options = testing::with(Fsync::kNever);
  options.segment_bytes = kFileHeaderBytes + 1500;
  Pushed log(options);
  for (int push = 0; push < 100; ++push) {
    ASSERT_TRUE(log.logs.keep());
    log.push_value();
  }
  const auto entries = log.storage->list();
  uint64_t filled = 0;
  for (const DirectoryEntry& entry : *entries) {
    auto reader = RecordReader::open(*log.disk.content(entry.name));
    for (RecordView record; reader->next(record) == RecordReader::Next::kRecord;) {
      EXPECT_FALSE(record.is_orphan()) << entry.name << " " << record.offset;
      filled += record.is_filled() ? 1 : 0;
    }
  }
  EXPECT_GT(entries->size(), 6U);
  EXPECT_GT(filled, 50U);
  // The newest alone.
  const std::string last = segment_name(0, log.logs.present_sequences().front());
  for (const DirectoryEntry& entry : *entries) {
    if (entry.name < last) {
      EXPECT_EQ(log.storage->remove(entry.name), 0);
    }
  }
  EXPECT_EQ(log.recovered(), log.value);
}

TEST(Pattern, BehindAFailureTheNextSegmentHasItsOwn) {
  Pushed log(testing::with(Fsync::kInterval));
  ASSERT_TRUE(log.logs.keep());
  for (int push = 0; push < 4; ++push) log.push_value();
  log.fail(testing::DiskCall::kWrite, 28);
  log.push_value();
  EXPECT_TRUE(log.log().failed());
  log.work();
  ASSERT_TRUE(log.logs.keep());
  for (int push = 0; push < 4; ++push) log.push_value();
  for (const RecordView& record : log.records(8)) EXPECT_FALSE(record.is_orphan());
  EXPECT_FALSE(log.patterns(8).empty());
  EXPECT_EQ(log.recovered(), log.value);
}

TEST(Pattern, MoreThanALogKnows) {
  Pushed log(testing::with(Fsync::kNever));
  ASSERT_TRUE(log.logs.keep());
  const size_t kinds = 2 * limits::kLogPatternsMax + 5;
  const auto body = [](size_t kind, int value) {
    return "metric_" + std::string(kind, 'x') + "{a=\"of some length\"} " + std::to_string(value) + "\n";
  };
  int value = 0;
  for (int round = 0; round < 4; ++round) {
    for (size_t kind = 0; kind < kinds; ++kind) {
      for (int push = 0; push < 4; ++push) log.clients[0]->put(testing::kGroup, body(kind, ++value));
      log.log().flush();
      if (kind % 10 == 0) {
        EXPECT_EQ(log.recovered(), value) << kind;
      }
    }
  }
  EXPECT_EQ(log.recovered(), value);
  EXPECT_GT(log.patterns(7).size(), kinds);
}

TEST(Pattern, WhatDoesNotBelongTogetherIsRefused) {
  Pushed log(testing::with(Fsync::kNever));
  ASSERT_TRUE(log.logs.keep());
  for (int push = 0; push < 4; ++push) log.push_value();
  const RecordView record = log.records(7).back();
  ASSERT_TRUE(record.is_filled());
  std::string text;
  std::vector<StoredFamily> families;
  const std::string_view pattern = record.pattern_bytes;
  EXPECT_TRUE(fill_pattern(pattern, record.label_text, "4\n", text, families));
  EXPECT_EQ(text, "some_metric{instance=\"\",job=\"t\",label=\"of some length\"} 4\n");
  EXPECT_FALSE(fill_pattern(pattern, record.label_text, "", text, families));
  EXPECT_FALSE(fill_pattern(pattern, record.label_text, "4", text, families));
  EXPECT_FALSE(fill_pattern(pattern, record.label_text, "4\n5\n", text, families));
  EXPECT_FALSE(fill_pattern(pattern, "", "4\n", text, families));
  EXPECT_FALSE(fill_pattern(pattern, R"(instance="",bob="t")", "4\n", text, families));
  EXPECT_FALSE(fill_pattern(pattern, R"(instance="",job="t\")", "4\n", text, families));
  EXPECT_TRUE(fill_pattern(pattern, R"(a="\",job=\"x",instance="",job="t\\")", "4\n", text, families));
  EXPECT_EQ(text, "some_metric{instance=\"\",job=\"t\\\\\",label=\"of some length\"} 4\n");
  for (size_t bytes = 0; bytes < pattern.size(); ++bytes) {
    EXPECT_FALSE(fill_pattern(pattern.substr(0, bytes), record.label_text, "4\n", text, families)) << bytes;
  }
}

}  // namespace
}  // namespace sluice::wal
