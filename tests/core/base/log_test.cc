#include "core/base/log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>

#include "core/base/clock.h"
#include "core/base/limits.h"

namespace sluice::log {
namespace {

TEST(Log, LogfmtLineHasTheReferencesKeys) {
  EXPECT_EQ(
      format_line(Format::kLogfmt, 1795310778188, Level::kError, "push.go:152", "it is bad",
                  {{"method", "PUT"}, {"err", "a=\"b\"\n"}, {"empty", ""}}),
      R"(ts=2026-11-22T01:26:18.188Z level=error caller=push.go:152 msg="it is bad" method=PUT err="a=\"b\"\n" empty="")");
}

TEST(Log, JsonLineHasTheSameKeys) {
  EXPECT_EQ(format_line(Format::kJson, 0, Level::kInfo, "main.cc:1", "up\x01", {{"a", "1"}}),
            "{\"ts\":\"1970-01-01T00:00:00.000Z\",\"level\":\"info\",\"caller\":\"main.cc:1\",\"msg\":\"up\\u0001\","
            "\"a\":\"1\"}");
}

TEST(Log, NamesOfLevelsAndFormats) {
  Level level{};
  Format format{};
  EXPECT_TRUE(parse_level("warn", level));
  EXPECT_EQ(level, Level::kWarn);
  EXPECT_FALSE(parse_level("WARN", level));
  EXPECT_TRUE(parse_format("json", format));
  EXPECT_EQ(format, Format::kJson);
  EXPECT_FALSE(parse_format("xml", format));
}

std::string read_all(int fd) {
  std::string out;
  char buffer[65536];
  ssize_t got = 0;
  while ((got = read(fd, buffer, sizeof buffer)) > 0) out.append(buffer, static_cast<size_t>(got));
  return out;
}

size_t count_of(const std::string& text, std::string_view word) {
  size_t count = 0;
  for (size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++count;
  return count;
}

TEST(Log, EachReasonIsLimitedAndAlwaysIsNot) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  start(Level::kInfo, Format::kLogfmt, ends[1]);
  const int64_t before = monotonic_ns();
  for (int i = 0; i < 1000; ++i) write(Level::kError, Reason::kPushInconsistent, "noisy");
  for (int i = 0; i < 50; ++i) write(Level::kInfo, Reason::kAlways, "kept");
  write(Level::kDebug, Reason::kAlways, "below the level");
  const int64_t seconds = (monotonic_ns() - before) / 1'000'000'000 + 2;
  stop();
  close(ends[1]);
  const std::string text = read_all(ends[0]);
  close(ends[0]);
  EXPECT_GE(count_of(text, "msg=noisy"), limits::kLogLinesPerSecond);
  EXPECT_LE(count_of(text, "msg=noisy"), limits::kLogLinesPerSecond * static_cast<uint64_t>(seconds));
  EXPECT_EQ(count_of(text, "msg=kept"), 50u);
  EXPECT_EQ(count_of(text, "below"), 0u);
}

TEST(Log, FullPipeNeitherBlocksWritersNorTheStop) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  ASSERT_EQ(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
  const std::string filler(4096, 'x');
  while (::write(ends[1], filler.data(), filler.size()) > 0) {
  }
  start(Level::kInfo, Format::kLogfmt, ends[1]);
  for (size_t i = 0; i < limits::kLogQueueLines + 2000; ++i) write(Level::kInfo, Reason::kAlways, "into a full pipe");
  EXPECT_GT(dropped(), 0u);
  stop();  // would hang, and so run into the test's timeout, if it waited for the reader
  close(ends[0]);
  close(ends[1]);
}

}  // namespace
}  // namespace sluice::log
