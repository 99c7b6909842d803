// Reads the persistence file of a Pushgateway (parser/gob_groups.h) from the disk, group by group, in the shape of the
// gateway's own state file.
//
// Never writes to it. Memory: one window of kWindowBytes, longer only for a group that does not fit; the length of the
// file is what it was at open(), and one that became shorter is a cut one.
//
// One owner, one thread.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/model/group_key.h"
#include "core/wal/state_file.h"
#include "parser/gob_groups.h"

namespace sluice::net::api {

class ReferenceFile {
 public:
  enum class Kind : uint8_t {
    kMissing,    // there is no such file
    kOther,      // it is something else, which is not judged here
    kReference,  // next() gives its groups
  };

  ReferenceFile() = default;
  ~ReferenceFile();
  ReferenceFile(const ReferenceFile&) = delete;
  ReferenceFile& operator=(const ReferenceFile&) = delete;

  // The error, one sentence, when it cannot be read, or is a gob file of something else or of too old a version.
  [[nodiscard]] Result<Kind, std::string> open(const std::string& path);
  // False at the end. `group` is valid until the next call; all its families have a record and no text. The error when
  // the file is damaged or cut off; groups that came before are then worth nothing either.
  [[nodiscard]] Result<bool, std::string> next(wal::StoredGroup& group);

  // What the group that was read last had and `group` does not have, a clause for each.
  [[nodiscard]] const std::vector<std::string>& left_out() const noexcept { return left_out_; }
  // The labels of that group.
  [[nodiscard]] const model::GroupKey& key() const noexcept { return key_; }

  [[nodiscard]] uint64_t bytes() const noexcept { return static_cast<uint64_t>(status_.st_size); }
  [[nodiscard]] int64_t changed_ns() const noexcept {
    return status_.st_mtim.tv_sec * 1'000'000'000 + status_.st_mtim.tv_nsec;
  }

 private:
  static constexpr size_t kWindowBytes = size_t{1} << 20;

  [[nodiscard]] Result<parser::GobGroups::Step, std::string> step();
  // A window that begins at the reader's offset and is longer than before. False at the end of the file.
  [[nodiscard]] Result<bool, std::string> refill();
  void convert(wal::StoredGroup& group);
  void take_family(const parser::GobFamily& family, wal::StoredGroup& group);
  [[nodiscard]] std::string damaged(std::string_view why) const;

  std::string path_;
  int descriptor_ = -1;
  struct stat status_{};
  std::unique_ptr<parser::GobGroups> groups_;
  std::string window_;
  uint64_t window_at_ = 0;  // offset of its first byte
  parser::GobGroup group_;
  bool group_waits_ = false;  // open() has read the first one
  bool at_end_ = false;       // open() has seen that there is none
  model::GroupKey key_;
  std::string label_text_;
  std::deque<std::string> memory_;  // of families whose metrics do not stand together
  std::vector<std::string> left_out_;
};

}  // namespace sluice::net::api
