// The disk of sluice_faults: core/wal's own, and a count of what is asked of it. At call number SLUICE_FAULT_AT (from
// 1) the process kills itself as kill -9 would, before the call; a write has a second number, at which half of its
// bytes are written. SLUICE_FAULT_TRACE names a file that gets a line for each number: "NUMBER CALL FILE".
//
// The product has none of this: this file takes the place of core/wal/storage.cc when sluice_faults is linked. A ring's
// fdatasync counts where its descriptor is asked for, which is where it is submitted (net/api/logged_service).
#define open_directory open_plain_directory  // NOLINT(readability-identifier-naming)
#include "core/wal/storage.cc"               // NOLINT(bugprone-suspicious-include)
#undef open_directory

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <utility>

namespace sluice::wal {
namespace {

class Points {
 public:
  Points() {
    // Before any thread.
    if (const char* at = std::getenv("SLUICE_FAULT_AT"))
      at_ = std::strtoull(at, nullptr, 10);                      // NOLINT(concurrency-mt-unsafe)
    const char* const path = std::getenv("SLUICE_FAULT_TRACE");  // NOLINT(concurrency-mt-unsafe)
    if (path != nullptr) trace_ = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  }

  // Any thread. Whether this is where to die.
  [[nodiscard]] bool reach(std::string_view call, const std::string& name) noexcept {
    const uint64_t number = calls_.fetch_add(1, std::memory_order_relaxed) + 1;
    if (trace_ >= 0) {
      const std::string line = fmt::format("{} {} {}\n", number, call, name.empty() ? "-" : name);
      // A line that is missing makes the test fail.
      static_cast<void>(!write(trace_, line.data(), line.size()));
    }
    return number == at_;
  }
  void pass(std::string_view call, const std::string& name = {}) noexcept {
    if (reach(call, name)) die();
  }
  [[noreturn]] static void die() noexcept {
    kill(getpid(), SIGKILL);
    for (;;) pause();
  }

 private:
  std::atomic<uint64_t> calls_{0};
  uint64_t at_ = 0;
  int trace_ = -1;
};

Points& points() {
  static Points all;
  return all;
}

class CountedFile final : public File {
 public:
  CountedFile(std::unique_ptr<File> file, std::string name) : file_(std::move(file)), name_(std::move(name)) {}

  [[nodiscard]] int write_at(uint64_t offset, std::string_view bytes) noexcept override {
    points().pass("write", name_);
    if (points().reach("half-write", name_)) {
      static_cast<void>(file_->write_at(offset, bytes.substr(0, bytes.size() / 2)));
      Points::die();
    }
    return file_->write_at(offset, bytes);
  }
  [[nodiscard]] int sync() noexcept override {
    points().pass("sync", name_);
    return file_->sync();
  }
  [[nodiscard]] int descriptor() const noexcept override {
    points().pass("ring-sync", name_);
    return file_->descriptor();
  }

 private:
  std::unique_ptr<File> file_;
  std::string name_;
};

class CountedDirectory final : public Storage {
 public:
  explicit CountedDirectory(std::unique_ptr<Storage> directory) : directory_(std::move(directory)) {}

  [[nodiscard]] Result<std::unique_ptr<File>, int> create(const std::string& name) override {
    points().pass("create", name);
    auto file = directory_->create(name);
    if (!file) return file;
    return std::make_unique<CountedFile>(std::move(*file), name);
  }
  [[nodiscard]] Result<std::unique_ptr<Content>, int> read(const std::string& name) override {
    points().pass("read", name);
    return directory_->read(name);
  }
  [[nodiscard]] int sync(const std::string& name) override {
    points().pass("sync-found", name);
    return directory_->sync(name);
  }
  [[nodiscard]] int rename(const std::string& from, const std::string& to) override {
    points().pass("rename", from);
    return directory_->rename(from, to);
  }
  [[nodiscard]] int remove(const std::string& name) override {
    points().pass("remove", name);
    return directory_->remove(name);
  }
  [[nodiscard]] int sync_directory() override {
    points().pass("sync-directory");
    return directory_->sync_directory();
  }
  [[nodiscard]] bool in_place() override { return directory_->in_place(); }
  [[nodiscard]] uint64_t boot() const noexcept override { return directory_->boot(); }
  [[nodiscard]] Result<std::vector<DirectoryEntry>, int> list() override {
    points().pass("list");
    return directory_->list();
  }

 private:
  std::unique_ptr<Storage> directory_;
};

}  // namespace

// What core/wal/storage.h declares, for everything else in this program.
[[nodiscard]] Result<std::unique_ptr<Storage>, std::string> open_directory(const std::string& path);

Result<std::unique_ptr<Storage>, std::string> open_directory(const std::string& path) {
  auto directory = open_plain_directory(path);
  if (!directory) return directory;
  return std::make_unique<CountedDirectory>(std::move(*directory));
}

}  // namespace sluice::wal
