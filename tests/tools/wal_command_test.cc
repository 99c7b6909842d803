// `sluice wal dump|verify` over a directory with two segments, whole, torn and damaged.
#include "tools/commands/wal_command.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/core/wal/segment.h"

namespace sluice::tools {
namespace {

struct Said {
  int code = 0;
  std::string out;
  std::string err;
};

class WalCommand : public testing::Test {
 protected:
  WalCommand() {
    std::string name = (std::filesystem::temp_directory_path() / "wal-command-XXXXXX").string();
    directory_ = mkdtemp(name.data());
    const std::vector<std::string> records = wal::testing::sample_records(2000);
    first_ = wal::testing::make_segment(header_, records);
    const wal::FileHeader next{wal::FileKind::kSegment, 0, 2, 99};
    const std::string mark = wal::testing::mark_record({wal::kFileHeaderBytes, 1, first_.bytes.size()});
    write(wal::segment_name(0, 1), first_.bytes);
    write(wal::segment_name(0, 2), wal::testing::make_segment(next, {mark}).bytes);
    write("lock", "");
  }
  ~WalCommand() override { std::filesystem::remove_all(directory_); }

  void write(const std::string& name, const std::string& bytes) const {
    std::ofstream(directory_ / name, std::ios::binary) << bytes;
  }
  [[nodiscard]] std::string content() const {
    std::string all;
    for (const auto& entry : std::filesystem::directory_iterator(directory_)) {
      std::ifstream file(entry.path(), std::ios::binary);
      all += entry.path().filename().string() + std::string{std::istreambuf_iterator<char>(file), {}};
    }
    return all;
  }
  [[nodiscard]] Said run(std::vector<std::string> arguments) const {
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    Said said;
    said.code = wal_command(arguments);
    said.out = testing::internal::GetCapturedStdout();
    said.err = testing::internal::GetCapturedStderr();
    return said;
  }

  std::filesystem::path directory_;
  wal::FileHeader header_{wal::FileKind::kSegment, 0, 1, 77};
  wal::testing::SegmentBytes first_;
};

TEST_F(WalCommand, DumpSaysEveryRecord) {
  const std::string before = content();
  const Said said = run({"dump", directory_.string()});
  EXPECT_EQ(said.code, 0) << said.err;
  std::istringstream lines(said.out);
  std::string line;
  const std::string name = wal::segment_name(0, 1);
  for (size_t i = 0; i + 1 < first_.offsets.size(); ++i) {
    ASSERT_TRUE(std::getline(lines, line));
    EXPECT_TRUE(line.starts_with(name + " " + std::to_string(first_.offsets[i]) + " ")) << line;
    EXPECT_NE(line.find(" bytes=" + std::to_string(first_.offsets[i + 1] - first_.offsets[i]) + " stamp="),
              std::string::npos)
        << line;
    EXPECT_TRUE(line.ends_with("}")) << line;
  }
  ASSERT_TRUE(std::getline(lines, line));
  EXPECT_EQ(line, wal::segment_name(0, 2) +
                      " 1024 mark bytes=40 durable=1024 before=1:" + std::to_string(first_.bytes.size()));
  EXPECT_FALSE(std::getline(lines, line));
  for (const char* kind : {" put ", " post ", " fail ", " erase "}) EXPECT_NE(said.out.find(kind), std::string::npos);
  EXPECT_EQ(content(), before);
}

TEST_F(WalCommand, VerifyFindsNothing) {
  const std::string before = content();
  const Said said = run({"verify", directory_.string()});
  EXPECT_EQ(said.code, 0) << said.err;
  EXPECT_NE(said.out.find("files        2\n"), std::string::npos) << said.out;
  EXPECT_NE(said.out.find("damaged      0\n"), std::string::npos) << said.out;
  EXPECT_EQ(content(), before);
}

TEST_F(WalCommand, VerifyNamesFileAndOffset) {
  std::string damaged = first_.bytes;
  damaged[first_.offsets[3] + 20] ^= 4;
  write(wal::segment_name(0, 1), damaged);
  const std::string before = content();
  const Said said = run({"verify", directory_.string()});
  EXPECT_EQ(said.code, 1);
  EXPECT_NE(said.err.find(wal::segment_name(0, 1) + " is damaged at offset " + std::to_string(first_.offsets[3])),
            std::string::npos)
      << said.err;
  const Said dumped = run({"dump", directory_.string()});
  EXPECT_EQ(dumped.code, 0);
  EXPECT_NE(dumped.out.find(wal::segment_name(0, 1) + " " + std::to_string(first_.offsets[3]) + " bad bytes="),
            std::string::npos);
  EXPECT_EQ(content(), before);
}

TEST_F(WalCommand, ATornTailIsNoDamage) {
  std::filesystem::remove(directory_ / wal::segment_name(0, 2));
  write(wal::segment_name(0, 1), first_.bytes.substr(0, first_.bytes.size() - 3));
  const Said said = run({"verify", directory_.string()});
  EXPECT_EQ(said.code, 0) << said.err;
  EXPECT_NE(said.out.find("torn_files   1\n"), std::string::npos) << said.out;
}

TEST_F(WalCommand, WrongArguments) {
  const Said missing = run({"verify", (directory_ / "none").string()});
  EXPECT_EQ(missing.code, 1);
  EXPECT_NE(missing.err.find("no directory"), std::string::npos) << missing.err;
  EXPECT_FALSE(std::filesystem::exists(directory_ / "none"));
  EXPECT_EQ(run({}).code, 1);
  EXPECT_EQ(run({"verify"}).code, 1);
  EXPECT_EQ(run({"repair", directory_.string()}).code, 1);
  EXPECT_EQ(run({"--help"}).code, 0);
}

}  // namespace
}  // namespace sluice::tools
