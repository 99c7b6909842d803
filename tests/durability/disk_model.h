// What a disk holds and what a system believes that it holds: files and directories whose changes are visible at once
// and durable only after a sync, as a strict reading of POSIX has it. A sync of a file makes its bytes durable, not its
// name; a sync of a directory makes the names in it durable, not what the files hold.
//
// A power cut, cut(), leaves what is durable and, of the rest, what its pattern says. After it everything fails with
// EIO until revive(): then the survivors are what there is.
//
// Functions return 0 or a number of errno, and never block, but for sync() and sync_directory(), which wait where a
// fault says so. Any thread may call them.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::testing {

// Which of the writes of a file that were not synced have reached the disk all the same.
enum class Pattern : uint8_t {
  kNone,
  kAll,
  kPrefix,   // up to some byte
  kSectors,  // every second sector of 512 bytes
  kLast,     // the last write only
};
[[nodiscard]] std::optional<Pattern> pattern_of(std::string_view name);

// The content of a file, which outlives its names as long as somebody has it open.
struct Inode {
  struct Write {
    uint64_t number = 0;
    uint64_t offset = 0;
    std::string bytes;
    bool cuts = false;  // the file to `offset` bytes; no bytes
  };
  bool directory = false;
  std::string now;
  std::string durable;
  std::vector<Write> pending;
};

class DiskModel {
 public:
  DiskModel();

  // ---- What a file system offers. Paths are absolute ----------------------------------------------------------------
  [[nodiscard]] int create(const std::string& path, bool directory, std::shared_ptr<Inode>& made);
  [[nodiscard]] std::shared_ptr<Inode> find(const std::string& path);
  [[nodiscard]] int write(Inode& file, uint64_t offset, std::string_view bytes, size_t& done);
  [[nodiscard]] int truncate(Inode& file, uint64_t bytes);
  [[nodiscard]] int read(Inode& file, uint64_t offset, char* into, size_t& bytes);
  [[nodiscard]] uint64_t size(Inode& file);
  [[nodiscard]] int rename(const std::string& from, const std::string& to);
  [[nodiscard]] int remove(const std::string& path);
  [[nodiscard]] std::vector<std::string> list(const std::string& directory);
  [[nodiscard]] int sync(Inode& file);
  [[nodiscard]] int sync_directory(const std::string& path);

  // ---- Faults -------------------------------------------------------------------------------------------------------
  void cut(Pattern pattern, uint32_t seed);
  // Before the change or sync that comes `operations` after the next one.
  void cut_at(uint64_t operations, Pattern pattern, uint32_t seed);
  void revive();
  // An empty disk without faults.
  void clear();
  // The sync that comes `after` the next one fails, and what it should have made durable never will be, whatever a
  // later sync says. With a hold syncs behind it wait until release() or a cut: all, or those of files whose name does
  // not end with the text.
  enum class Hold : uint8_t { kNone, kAll, kOthers };
  void fail_sync(uint64_t after, int error, Hold hold, std::string_view not_held = {});
  void release();
  // How many bytes all files may have together.
  void set_budget(uint64_t bytes);
  // Each sync takes up to so long; what was written before it began is durable at its end.
  void set_delay(uint32_t microseconds);

  // Figures (pending: what would be lost in a power cut) and everything that was done since the last call, a line each:
  //     time kind name bytes result        (seconds of CLOCK_MONOTONIC; the result a number of errno; a sync has the
  //                                         time at which it began behind it)
  [[nodiscard]] std::string report();

 private:
  using Names = std::map<std::string, std::shared_ptr<Inode>>;
  // A change of names that is not durable.
  struct Change {
    std::string path;
    std::string target;           // of a rename
    std::shared_ptr<Inode> made;  // of a creation; neither: a removal
  };

  static void apply(Inode::Write const& write, std::string& bytes);
  static void apply(const Change& change, Names& names);
  [[nodiscard]] bool begin_operation();
  void recover();
  void cut_now(Pattern pattern, uint32_t seed);
  void tear(Inode& file, Pattern pattern, std::mt19937& random);
  [[nodiscard]] bool may_sync(std::unique_lock<std::mutex>& lock, const std::string& name, int& error);
  void note(double begin, std::string_view kind, const std::string& name, uint64_t bytes, int result);
  [[nodiscard]] std::string name_of(const Inode& file) const;

  std::mutex mutex_;
  std::condition_variable released_;
  Names now_;
  Names durable_;
  std::vector<Change> pending_;
  uint64_t writes_ = 0;  // numbers of Inode::Write
  uint64_t bytes_ = 0;   // of all files that have a name

  uint64_t operations_ = 0;
  uint64_t syncs_ = 0;
  bool dead_ = false;
  struct Cut {
    uint64_t at = 0;
    Pattern pattern = Pattern::kNone;
    uint32_t seed = 0;
  };
  std::optional<Cut> cut_;
  struct Failure {
    uint64_t at = 0;
    int error = 0;
    Hold hold = Hold::kNone;
  };
  std::optional<Failure> failure_;
  Hold held_ = Hold::kNone;
  std::string not_held_;
  uint64_t budget_ = UINT64_MAX;
  uint32_t delay_us_ = 0;
  std::minstd_rand delays_;
  std::string log_;
};

}  // namespace sluice::testing
