// The directory of a log on a real file system: who may read what, what is exclusive, and every error as a number or
// as one sentence.
#include "core/wal/storage.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/fsuid.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "core/wal/content.h"

namespace sluice::wal {
namespace {

constexpr uid_t kNobody = 65534;

// Every file that this thread opens meanwhile is opened as somebody for whom permissions count: root need not ask.
class WithoutPrivileges {
 public:
  WithoutPrivileges() {
    if (geteuid() == 0) setfsuid(kNobody);
  }
  ~WithoutPrivileges() { setfsuid(geteuid()); }
  WithoutPrivileges(const WithoutPrivileges&) = delete;
  WithoutPrivileges& operator=(const WithoutPrivileges&) = delete;
};

class Storages : public testing::Test {
 protected:
  Storages() {
    std::string name = (std::filesystem::temp_directory_path() / "storage-XXXXXX").string();
    folder_ = mkdtemp(name.data());
    path_ = (folder_ / "state.sluice").string();
  }
  ~Storages() override {
    std::filesystem::permissions(folder_, std::filesystem::perms::owner_all);
    std::filesystem::remove_all(folder_);
  }

  std::unique_ptr<Storage> open() const {
    auto storage = open_directory(path_);
    EXPECT_TRUE(storage) << storage.error();
    return std::move(*storage);
  }
  void put(Storage& storage, const std::string& name, std::string_view bytes) const {
    const auto file = storage.create(name);
    ASSERT_TRUE(file) << name;
    ASSERT_EQ((*file)->write_at(0, bytes), 0);
  }
  [[nodiscard]] std::string bytes(const std::string& name) const {
    std::ifstream file(path_ + "/" + name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  [[nodiscard]] mode_t mode(const std::string& path) const {
    struct stat status{};
    EXPECT_EQ(stat(path.c_str(), &status), 0) << path;
    return status.st_mode & 07777U;
  }

  std::filesystem::path folder_;
  std::string path_;
};

TEST_F(Storages, WhatIsMadeIsItsOwnersAlone) {
  const mode_t before = umask(0);
  const auto storage = open();
  put(*storage, "a", "x");
  umask(before);
  EXPECT_EQ(mode(path_), 0700U);
  EXPECT_EQ(mode(path_ + "/a"), 0600U);
}

TEST_F(Storages, WhatIsWrittenIsRead) {
  const auto storage = open();
  const auto file = storage->create("a");
  ASSERT_TRUE(file);
  EXPECT_GE((*file)->descriptor(), 0);
  EXPECT_EQ((*file)->write_at(0, "hello"), 0);
  EXPECT_EQ((*file)->write_at(8, "!"), 0);
  EXPECT_EQ((*file)->write_at(1, ""), 0);
  EXPECT_EQ((*file)->sync(), 0);
  EXPECT_EQ(storage->sync("a"), 0);
  EXPECT_EQ(storage->sync_directory(), 0);
  const std::string wanted("hello\0\0\0!", 9);
  EXPECT_EQ(bytes("a"), wanted);
  const auto content = storage->read("a");
  ASSERT_TRUE(content);
  EXPECT_EQ((*content)->bytes(), wanted);
  // As long as it is held, whatever becomes of the name.
  EXPECT_EQ(storage->remove("a"), 0);
  EXPECT_EQ((*content)->bytes(), wanted);
  put(*storage, "empty", "");
  const auto nothing = storage->read("empty");
  ASSERT_TRUE(nothing);
  EXPECT_TRUE((*nothing)->bytes().empty());
}

// Behind the end of a file there is nothing to be read, as in a bad sector: touching it in a mapping is a SIGBUS.
TEST_F(Storages, WhatCannotBeReadIsZeros) {
  const auto storage = open();
  std::string wanted;
  for (int i = 0; wanted.size() < 3'000'000; ++i) wanted += std::to_string(i) + ",";
  wanted.resize(3'000'000);
  put(*storage, "a", wanted);
  const int file = ::open((path_ + "/a").c_str(), O_RDONLY | O_CLOEXEC);
  ASSERT_GE(file, 0);
  const auto whole = read_content(file, wanted.size());
  const auto more = read_content(file, wanted.size() + 2'000'000);
  const auto bad = read_content(-1, 10);
  close(file);
  ASSERT_TRUE(whole && more);
  EXPECT_FALSE(bad);
  EXPECT_FALSE((*whole)->unreadable());
  EXPECT_TRUE((*whole)->bytes() == wanted);
  EXPECT_EQ((*more)->unreadable(), wanted.size());
  EXPECT_TRUE((*more)->bytes() == wanted + std::string(2'000'000, '\0'));
}

TEST_F(Storages, AFileIsMadeOnceAndNeverWrittenOver) {
  const auto storage = open();
  put(*storage, "a", "first");
  const auto again = storage->create("a");
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error(), EEXIST);
  EXPECT_EQ(bytes("a"), "first");
  // Nor through a link, to a file or to nothing.
  std::filesystem::create_symlink("a", path_ + "/link");
  std::filesystem::create_symlink("missing", path_ + "/dangling");
  for (const char* name : {"link", "dangling"}) {
    const auto linked = storage->create(name);
    ASSERT_FALSE(linked) << name;
    EXPECT_EQ(linked.error(), EEXIST) << name;
    const auto read = storage->read(name);
    ASSERT_FALSE(read) << name;
    EXPECT_EQ(read.error(), ELOOP) << name;
    EXPECT_EQ(storage->sync(name), ELOOP) << name;
  }
  EXPECT_FALSE(std::filesystem::exists(path_ + "/missing"));
}

TEST_F(Storages, ARenameTakesThePlaceOfWhatIsThere) {
  const auto storage = open();
  put(*storage, "new", "2");
  put(*storage, "old", "1");
  EXPECT_EQ(storage->rename("new", "old"), 0);
  EXPECT_EQ(bytes("old"), "2");
  EXPECT_EQ(storage->rename("new", "old"), ENOENT);
  EXPECT_EQ(bytes("old"), "2");
}

TEST_F(Storages, ListsFilesAloneByName) {
  const auto storage = open();
  put(*storage, "b", "22");
  put(*storage, "a", "");
  put(*storage, "c", "333");
  EXPECT_EQ(storage->remove("b"), 0);
  std::filesystem::create_directory(path_ + "/folder");
  std::filesystem::create_symlink("a", path_ + "/link");
  for (int i = 0; i < 2; ++i) {
    const auto entries = storage->list();
    ASSERT_TRUE(entries);
    ASSERT_EQ(entries->size(), 2U);
    EXPECT_EQ((*entries)[0].name, "a");
    EXPECT_EQ((*entries)[0].bytes, 0U);
    EXPECT_EQ((*entries)[1].name, "c");
    EXPECT_EQ((*entries)[1].bytes, 3U);
  }
}

TEST_F(Storages, WhatIsMissingIsSaid) {
  const auto storage = open();
  const auto read = storage->read("a");
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error(), ENOENT);
  EXPECT_EQ(storage->remove("a"), ENOENT);
  EXPECT_EQ(storage->sync("a"), ENOENT);
  // The directory itself, while it is in use.
  std::filesystem::remove_all(path_);
  const auto file = storage->create("a");
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error(), ENOENT);
  const auto entries = storage->list();
  EXPECT_TRUE(!entries || entries->empty());
}

// The file system takes a part of what is written, and then no more.
TEST_F(Storages, InPlaceIsTheDirectoryThatWasOpened) {
  const auto storage = open();
  EXPECT_TRUE(storage->in_place());
  std::filesystem::rename(path_, path_ + ".away");
  EXPECT_FALSE(storage->in_place());
  std::filesystem::copy(path_ + ".away", path_);
  EXPECT_FALSE(storage->in_place()) << "a copy of it";
  std::filesystem::remove_all(path_);
  std::filesystem::rename(path_ + ".away", path_);
  EXPECT_TRUE(storage->in_place());
}

TEST_F(Storages, AWriteThatEndsEarlyIsAnError) {
  const auto storage = open();
  const auto file = storage->create("a");
  ASSERT_TRUE(file);
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{1000, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const int fits = (*file)->write_at(0, std::string(1000, 'x'));
  const int error = (*file)->write_at(900, std::string(200, 'y'));
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(fits, 0);
  EXPECT_EQ(error, EFBIG);
  EXPECT_EQ(bytes("a").size(), 1000U);
  // Space has returned.
  EXPECT_EQ((*file)->write_at(900, std::string(200, 'y')), 0);
  EXPECT_EQ(bytes("a"), std::string(900, 'x') + std::string(200, 'y'));
}

TEST_F(Storages, ADirectoryThatCannotBeUsedIsASentence) {
  const auto refused = [](const std::string& path, std::string_view why) {
    const auto storage = open_directory(path);
    ASSERT_FALSE(storage) << path;
    EXPECT_NE(storage.error().find(path), std::string::npos) << storage.error();
    EXPECT_NE(storage.error().find(why), std::string::npos) << storage.error();
    EXPECT_EQ(storage.error().find('\n'), std::string::npos);
  };
  refused((folder_ / "missing" / "state.sluice").string(), "No such file or directory");
  std::ofstream(folder_ / "file") << "x";
  refused((folder_ / "file").string(), "Not a directory");
  refused((folder_ / "file" / "state.sluice").string(), "Not a directory");

  std::filesystem::permissions(folder_, std::filesystem::perms(0555));
  {
    const WithoutPrivileges nobody;
    refused(path_, "Permission denied");
  }
  std::filesystem::permissions(folder_, std::filesystem::perms(0755));
  std::filesystem::create_directory(path_);
  std::filesystem::permissions(path_, std::filesystem::perms(0));
  {
    const WithoutPrivileges nobody;
    refused(path_, "Permission denied");
  }
  std::filesystem::permissions(path_, std::filesystem::perms(0755));
}

TEST_F(Storages, AReadOnlyDirectoryIsReadAndNotChanged) {
  std::filesystem::permissions(folder_, std::filesystem::perms(0755));
  {
    const auto storage = open();
    put(*storage, "a", "x");
  }
  std::filesystem::permissions(path_ + "/a", std::filesystem::perms(0444));
  std::filesystem::permissions(path_, std::filesystem::perms(0555));
  {
    const WithoutPrivileges nobody;
    const auto storage = open();
    const auto file = storage->create("b");
    ASSERT_FALSE(file);
    EXPECT_EQ(file.error(), EACCES);
    EXPECT_EQ(storage->rename("a", "b"), EACCES);
    EXPECT_EQ(storage->remove("a"), EACCES);
    EXPECT_TRUE(storage->read("a"));
    EXPECT_EQ(storage->list()->size(), 1U);
  }
  EXPECT_EQ(bytes("a"), "x");
  std::filesystem::permissions(path_, std::filesystem::perms(0755));
}

}  // namespace
}  // namespace sluice::wal
