#include "core/wal/state_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "tests/core/store/testing.h"

namespace sluice::wal {
namespace {

// A folder that goes with the test.
class StateFile : public testing::Test {
 protected:
  StateFile() {
    std::string name = (std::filesystem::temp_directory_path() / "state-XXXXXX").string();
    folder_ = mkdtemp(name.data());
    path_ = (folder_ / "state").string();
  }
  ~StateFile() override { std::filesystem::remove_all(folder_); }

  void write(store::testing::Client& client, uint64_t groups) {
    store::SnapshotRequest request;
    request.start(client.writer());
    store::testing::finish(request, client.writer());
    const store::SnapshotRef snapshot = request.take();
    const auto size = write_state_file(path_, *snapshot, client.writer());
    ASSERT_TRUE(size) << size.error();
    EXPECT_EQ(size->groups, groups);
    EXPECT_EQ(size->bytes, std::filesystem::file_size(path_));
  }
  [[nodiscard]] std::string bytes() const {
    std::ifstream file(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void replace(std::string_view content) const { std::ofstream(path_, std::ios::binary) << content; }
  // Groups that can be read before the end or the error.
  [[nodiscard]] Result<uint64_t, std::string> read() const {
    StateFileReader reader;
    const auto opened = reader.open(path_);
    if (!opened) return std::unexpected(opened.error());
    StoredGroup group;
    for (uint64_t groups = 0;; ++groups) {
      const auto more = reader.next(group);
      if (!more) return std::unexpected(more.error());
      if (!*more) return groups;
    }
  }

  std::filesystem::path folder_;
  std::string path_;
};

TEST_F(StateFile, HoldsEveryGroup) {
  store::Store store({});
  store::testing::Client client(store);
  client.put({{"job", "a"}}, "# HELP x Help.\n# TYPE x counter\nx 1\nx{l=\"v\"} 2\n", 5);
  client.push({{"job", "a"}}, "y 3\n", false, 7);
  client.put({{"job", "b"}, {"instance", "i"}}, "# TYPE s summary\ns_sum 1\ns_count 2\n", 9);
  client.put({{"job", "c"}}, "", 11);
  write(client, 3);

  StateFileReader reader;
  ASSERT_TRUE(*reader.open(path_));
  std::map<std::string, StoredGroup> groups;
  std::map<std::string, std::string> told;  // family by family
  StoredGroup group;
  while (true) {
    const auto more = reader.next(group);
    ASSERT_TRUE(more) << more.error();
    if (!*more) break;
    const std::string labels(group.label_text);
    std::ostringstream out;
    out << group.push_time_ns << ' ' << group.push_failure_time_ns << '\n';
    for (const StoredFamily& family : group.families) {
      out << family.name << '|' << family.has_help << '|' << family.help << '|' << static_cast<int>(family.type) << '|'
          << family.push_time_ns << '|' << family.record.size() << '|' << family.text;
    }
    told[labels] = out.str();
  }
  EXPECT_EQ(told, (std::map<std::string, std::string>{
                      {"instance=\"\",job=\"a\"",
                       "7 0\nx|1|Help.|0|5|0|x{instance=\"\",job=\"a\"} 1\nx{instance=\"\",job=\"a\",l=\"v\"} 2\n"
                       "y|0||3|7|0|y{instance=\"\",job=\"a\"} 3\n"},
                      {"instance=\"i\",job=\"b\"",
                       "9 0\ns|0||2|9|0|s_sum{instance=\"i\",job=\"b\"} 1\ns_count{instance=\"i\",job=\"b\"} 2\n"},
                      {"instance=\"\",job=\"c\"", "11 0\n"}}));
}

TEST_F(StateFile, NoFileIsAFirstStart) {
  StateFileReader reader;
  const auto opened = reader.open(path_);
  ASSERT_TRUE(opened) << opened.error();
  EXPECT_FALSE(*opened);
}

// Wherever it is cut off and whichever byte is wrong, it is noticed.
TEST_F(StateFile, EveryDamageIsNoticed) {
  store::Store store({});
  store::testing::Client client(store);
  client.put({{"job", "a"}}, "x 1\n");
  client.put({{"job", "b"}}, "x 2\n");
  write(client, 2);
  const std::string whole = bytes();
  ASSERT_EQ(read().value_or(0), 2u);
  for (size_t cut = 0; cut < whole.size(); ++cut) {
    replace(whole.substr(0, cut));
    EXPECT_FALSE(read()) << "cut at " << cut;
  }
  for (size_t at = 0; at < whole.size(); ++at) {
    std::string wrong = whole;
    wrong[at] = static_cast<char>(wrong[at] ^ 0x10);
    replace(wrong);
    EXPECT_FALSE(read()) << "wrong at " << at;
  }
  replace(whole + '\0');
  EXPECT_FALSE(read());
  replace(whole);
  EXPECT_EQ(read().value_or(0), 2u);
}

TEST_F(StateFile, AnUnwritableFolderIsAnError) {
  path_ = (folder_ / "none" / "state").string();
  store::Store store({});
  store::testing::Client client(store);
  store::SnapshotRequest request;
  request.start(client.writer());
  store::testing::finish(request, client.writer());
  const store::SnapshotRef snapshot = request.take();
  const auto size = write_state_file(path_, *snapshot, client.writer());
  ASSERT_FALSE(size);
  EXPECT_EQ(size.error(), "cannot write the persistence file " + path_ + ": No such file or directory");
}

}  // namespace
}  // namespace sluice::wal
