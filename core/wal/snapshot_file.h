// A snapshot of the store as a file: what the log's older segments are no longer needed for.
//
// Threads: the one of `writer`, which waits for the disk offline.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/result.h"
#include "core/store/snapshot.h"
#include "core/store/store.h"
#include "core/wal/record.h"
#include "core/wal/storage.h"

namespace sluice::wal {

struct SnapshotSize {
  uint64_t groups = 0;
  uint64_t bytes = 0;
};

// Writes `snapshot` as snapshot_name(stamp), which appears whole and durable or not at all. Every mutation with a stamp
// up to `stamp` is in it: `stamp` was read, then a grace period passed, then the snapshot was asked for. The error is
// one sentence; a group that takes more than `group_bytes_max` is one.
[[nodiscard]] Result<SnapshotSize, std::string> write_snapshot(Storage& storage, uint64_t stamp,
                                                               const store::Snapshot& snapshot, store::Writer& writer,
                                                               uint64_t group_bytes_max = kRecordBytesMax);

// Whether remove_covered() removes a file of this name.
[[nodiscard]] bool is_covered(std::string_view name, uint64_t stamp, const std::vector<uint64_t>& present,
                              uint64_t first_sequence);

// What a durable snapshot with this stamp makes superfluous: older snapshots, then the segments of each worker before
// `present[worker]`, and before `first_sequence` those of workers that are no more. In this order: as long as an older
// snapshot is there, nothing that it needs is missing. The error is one sentence; what is left is tried the next time.
[[nodiscard]] Result<void, std::string> remove_covered(Storage& storage, uint64_t stamp,
                                                       const std::vector<uint64_t>& present, uint64_t first_sequence);

}  // namespace sluice::wal
