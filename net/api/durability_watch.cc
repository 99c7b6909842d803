// Durability while it runs: what somebody takes out of its directory, or with it.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "core/wal/record.h"
#include "core/wal/snapshot_file.h"
#include "net/api/durability.h"

namespace sluice::net::api {

// What is not there any more is to be written anew: a log that writes to a file that is gone fails, unless a snapshot
// holds all of it before it writes again, and a snapshot makes up for whatever else is missing.
Durability::Found Durability::inspect_directory() {
  const bool here = has_directory();
  logs_->set_gone(!here);
  if (here) {
    gone_ = false;
    return find_files();
  }
  // Its removal may have been complained of already, by whatever failed first.
  if (!std::exchange(gone_, true)) complained_ = false;
  logs_->healed(0);
  drop_unused();
  for (uint32_t index = 0; index < logs_->size(); ++index) logs_->lose(index);
  complain("the directory of the log is gone",
           lock_.lost() ? "another gateway uses it" : "put it back, or start the gateway again");
  snapshot_wanted_ = true;
  missing_ = true;
  return Found::kNothing;
}

Durability::Found Durability::find_files() {
  const std::vector<uint64_t> present = logs_->present_sequences();
  auto kept = list_kept();
  if (!kept) return Found::kAll;
  const auto missing = [&](const std::string& name) { return !std::ranges::binary_search(*kept, name); };
  std::vector<uint32_t> lost;
  std::string gone;
  for (uint32_t index = 0; index < logs_->size(); ++index) {
    std::string name = wal::segment_name(index, present[index]);
    if (present[index] == 0 || logs_->log(index).lost() || !missing(name)) continue;
    lost.push_back(index);
    gone = std::move(name);
  }
  if (const auto found = std::ranges::find_if(kept_, missing); found != kept_.end()) gone = *found;
  kept_ = std::move(*kept);
  if (gone.empty()) return Found::kAll;
  complain("a file of the log is gone", gone);
  snapshot_wanted_ = true;
  missing_ = true;
  logs_->healed(0);
  // Before a log takes one of them, which may be gone as well.
  logs_->remove_unused();
  kept_ = list_kept().value_or(std::vector<std::string>());
  for (const uint32_t index : lost) logs_->lose(index);
  return Found::kSome;
}

// The segments that were made ahead: in a directory that another process uses they are its own.
void Durability::drop_unused() {
  if (lock_.lost()) {
    logs_->forget_unused();
  } else {
    logs_->remove_unused();
  }
}

// The files of the log and its snapshots, in order; measures them and all others.
std::optional<std::vector<std::string>> Durability::list_kept() {
  const auto entries = storage_->list();
  if (!entries) return std::nullopt;
  std::vector<std::string> kept;
  uint64_t bytes = 0;
  for (const wal::DirectoryEntry& entry : *entries) {
    bytes += entry.bytes;
    uint64_t number = 0;
    uint32_t worker = 0;
    if (wal::parse_segment_name(entry.name, worker, number) || wal::parse_snapshot_name(entry.name, number))
      kept.push_back(entry.name);
  }
  directory_bytes_.set(bytes);
  return kept;
}

// A snapshot with this stamp is there. What is removed behind it and set aside is not missed, and all else is.
void Durability::expect_gone(uint64_t stamp, const std::vector<uint64_t>& present) {
  std::erase_if(kept_, [&](const std::string& name) { return wal::is_covered(name, stamp, present, first_sequence_); });
  if (recovery_ != nullptr) {
    for (const wal::Damage& damage : recovery_->figures().damages) std::erase(kept_, damage.file);
  }
  kept_.push_back(wal::snapshot_name(stamp));
}

}  // namespace sluice::net::api
