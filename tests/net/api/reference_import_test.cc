// The persistence file of a Pushgateway as state of ours: times, families in odd shapes, files that the reference wrote
// (tests/parser/data/gob).
#include "net/api/reference_import.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>

#include "core/wal/state_file.h"
#include "net/api/directory_lock.h"
#include "net/api/reference_family.h"
#include "net/api/reference_file.h"

namespace sluice::net::api {
namespace {

// A field with a length of one byte.
std::string field(int number, const std::string& bytes) {
  return std::string{static_cast<char>(number << 3 | 2), static_cast<char>(bytes.size())} + bytes;
}
std::string gauge_family(double value) {
  std::string bytes(sizeof(value), '\0');
  std::memcpy(bytes.data(), &value, sizeof(value));
  return field(1, "g") + "\x18\x01" + field(4, field(2, "\x09" + bytes));
}

std::string data(const std::string& name) { return std::string(SLUICE_SOURCE_DIR) + "/tests/parser/data/gob/" + name; }

// A folder that goes with the test.
class ReferenceImport : public testing::Test {
 protected:
  ReferenceImport() {
    std::string name = (std::filesystem::temp_directory_path() / "import-XXXXXX").string();
    folder_ = mkdtemp(name.data());
    path_ = (folder_ / "state").string();
  }
  ~ReferenceImport() override { std::filesystem::remove_all(folder_); }
  void take(const std::string& name) const { std::filesystem::copy_file(data(name), path_); }

  std::filesystem::path folder_;
  std::string path_;
};

TEST(ReferenceFamily, TakesAFamilyApart) {
  const std::string message = field(1, "x") + field(2, "") + field(4, "a") + field(4, "bc") + "\x18\x04";
  std::string memory;
  const auto family = stored_family({"x", message, 7}, memory);
  ASSERT_TRUE(family) << family.error();
  EXPECT_EQ(family->name, "x");
  EXPECT_TRUE(family->has_help);
  EXPECT_EQ(family->help, "");
  EXPECT_EQ(family->type, model::MetricType::kHistogram);
  EXPECT_EQ(family->push_time_ns, 7);
  EXPECT_EQ(family->record, field(4, "a") + field(4, "bc"));
  EXPECT_TRUE(memory.empty()) << "the metrics stand together";
}

TEST(ReferenceFamily, CollectsMetricsThatStandApart) {
  const std::string message = field(4, "a") + field(1, "x") + field(4, "b") + field(5, "unit") + field(4, "c");
  std::string memory;
  const auto family = stored_family({"x", message, 7}, memory);
  ASSERT_TRUE(family) << family.error();
  EXPECT_EQ(family->record, field(4, "a") + field(4, "b") + field(4, "c"));
  EXPECT_EQ(family->type, model::MetricType::kCounter) << "of a family that does not say";
}

TEST(ReferenceFamily, SaysWhatCannotBeKept) {
  std::string memory;
  const auto why = [&](const std::string& message) { return stored_family({"x", message, 0}, memory).error(); };
  EXPECT_EQ(why(""), "it has no metrics");
  EXPECT_EQ(why(field(1, "x")), "it has no metrics");
  EXPECT_EQ(why(field(4, "a") + "\x18\x09"), "its type is unknown");
  EXPECT_EQ(why(field(4, "a") + "\x22\x7f"), "its bytes are no MetricFamily");
}

TEST(ReferenceFamily, KeepsEveryDigitOfAPushTime) {
  constexpr int64_t kNs = 1'700'000'000'123'456'789;
  const double seconds = static_cast<double>(kNs) / 1e9;
  EXPECT_EQ(stored_push_time({"g", gauge_family(seconds), kNs}), kNs);
  EXPECT_EQ(stored_push_time({"g", gauge_family(0), kNs}), 0) << "it never happened";
  EXPECT_EQ(stored_push_time({"g", gauge_family(1.5), kNs}), 1'500'000'000) << "the gauge counts";
  EXPECT_FALSE(stored_push_time({"g", gauge_family(NAN), kNs}));
  EXPECT_FALSE(stored_push_time({"g", gauge_family(1e300), kNs}));
  EXPECT_FALSE(stored_push_time({"g", field(4, ""), kNs})) << "what a client pushed over it";
}

TEST_F(ReferenceImport, LooksWithoutWriting) {
  take("everything");
  const auto summary = examine_reference_file(path_, true);
  ASSERT_TRUE(summary) << summary.error();
  EXPECT_EQ(summary->groups, 16U);
  EXPECT_EQ(summary->groups_failed, 1U);
  EXPECT_EQ(summary->families, 29U);
  EXPECT_EQ(summary->series, 33U);
  EXPECT_EQ(summary->left_out, 0U) << summary->reasons.front();
  EXPECT_LE(summary->oldest_push_ns, summary->newest_push_ns);
  EXPECT_FALSE(std::filesystem::exists(path_ + ".sluice"));
}

TEST_F(ReferenceImport, HappensOnce) {
  take("everything");
  const auto changed = std::filesystem::last_write_time(path_);
  const auto state = state_file_for(path_, true);
  ASSERT_TRUE(state) << state.error();
  EXPECT_EQ(*state, path_ + ".sluice/state");
  wal::StateFileReader reader;
  EXPECT_EQ(reader.open(*state), true);
  // What was written there since is what counts.
  std::filesystem::copy_file(*state, path_ + ".kept");
  std::ofstream(*state) << "since";
  EXPECT_EQ(state_file_for(path_, true), *state);
  EXPECT_EQ(std::filesystem::file_size(*state), 5U);
  EXPECT_FALSE(import_reference_file(path_, true)) << "imported before";
  EXPECT_EQ(std::filesystem::last_write_time(path_), changed);
  // The old file may go, the state may not.
  std::filesystem::remove(path_);
  EXPECT_EQ(state_file_for(path_, true), *state);
  std::filesystem::remove(*state);
  EXPECT_FALSE(state_file_for(path_, true));
}

TEST_F(ReferenceImport, IsDoneAgainWhenItDidNotComeToItsEnd) {
  take("everything");
  std::filesystem::create_directory(path_ + ".sluice");
  std::ofstream(path_ + ".sluice/state") << "half";
  std::ofstream(path_ + ".sluice/imported.new") << "half";
  ASSERT_EQ(state_file_for(path_, true), path_ + ".sluice/state");
  wal::StateFileReader reader;
  EXPECT_EQ(reader.open(path_ + ".sluice/state"), true);
  std::ofstream(path_ + ".sluice/imported") << "something else";
  EXPECT_FALSE(state_file_for(path_, true)) << "a record that is not one";
}

// A log that is there is what counts: an import that nobody would read is none.
TEST_F(ReferenceImport, IsRefusedBesideALog) {
  const std::string folder = path_ + ".sluice";
  const std::pair<std::string, size_t> files[] = {{"snapshot-0000000000000005.snap", 0},
                                                  {"log-0000-000000000001.seg", 1025}};
  for (const auto& [name, bytes] : files) {
    std::filesystem::remove(path_);
    std::filesystem::remove_all(folder);
    take("everything");
    std::filesystem::create_directory(folder);
    std::ofstream(folder + "/" + name) << std::string(bytes, 'x');
    const auto imported = import_reference_file(path_, true);
    ASSERT_FALSE(imported) << name;
    EXPECT_NE(imported.error().find(" has what a gateway has kept, "), std::string::npos) << imported.error();
    const auto state = state_file_for(path_, true);
    ASSERT_TRUE(state) << state.error();
    EXPECT_EQ(*state, folder + "/state");
    EXPECT_FALSE(std::filesystem::exists(folder + "/state"));
    EXPECT_FALSE(std::filesystem::exists(folder + "/imported"));
  }
  // Segments without a record are what every start leaves.
  std::filesystem::remove_all(folder);
  std::filesystem::create_directory(folder);
  std::ofstream(folder + "/log-0000-000000000001.seg") << std::string(1024, 'x');
  EXPECT_TRUE(import_reference_file(path_, true));
}

TEST_F(ReferenceImport, IsRefusedBesideAGateway) {
  const std::string folder = path_ + ".sluice";
  take("everything");
  std::filesystem::create_directory(folder);
  {
    DirectoryLock gateway;
    ASSERT_TRUE(gateway.take(folder));
    const auto imported = import_reference_file(path_, true);
    ASSERT_FALSE(imported);
    EXPECT_EQ(imported.error(), "another gateway uses the directory " + folder);
  }
  EXPECT_TRUE(import_reference_file(path_, true));
}

TEST_F(ReferenceImport, LeavesOtherFilesAlone) {
  EXPECT_EQ(state_file_for(path_, true), path_) << "a first start";
  std::ofstream(path_) << "somebody's notes\n";
  EXPECT_EQ(state_file_for(path_, true), path_) << "judged by who reads it";
  EXPECT_FALSE(examine_reference_file(path_, true));
  std::filesystem::remove(path_);
  take("uint_keys");
  const auto refused = state_file_for(path_, true);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().find("before 0.10"), std::string::npos) << refused.error();
  EXPECT_FALSE(std::filesystem::exists(path_ + ".sluice"));
  EXPECT_FALSE(state_file_for("/dev/null/none", true)) << "no folder";
}

TEST_F(ReferenceImport, NamesWhatItLeavesOut) {
  take("more_fields");
  const auto summary = examine_reference_file(path_, true);
  ASSERT_TRUE(summary) << summary.error();
  EXPECT_EQ(summary->groups, 2U);
  EXPECT_GE(summary->left_out, 1U);
  ASSERT_FALSE(summary->reasons.empty());
  EXPECT_NE(summary->reasons.front().find("the family \"x\": its bytes are no MetricFamily"), std::string::npos)
      << summary->reasons.front();
}

}  // namespace
}  // namespace sluice::net::api
