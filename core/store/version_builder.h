// Makes the block of a new version from a merge: copies what was pushed, shares what was kept, copies that too where
// sharing would keep too much dead memory alive.
//
// A kept block is copied when less than half of it is live in the new version, and the smaller half of the blocks when
// there are more than kSharedBlocksMax: so memory stays within twice the live bytes, and a byte is copied only a
// logarithmic number of times.
//
// Sliced: copying 100 MB takes 20 ms. The base version must stay held between the steps. Reused from push to push.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "core/base/clock.h"
#include "core/base/large_memory.h"
#include "core/model/canonical.h"
#include "core/model/shape.h"
#include "core/model/version.h"
#include "core/store/block.h"
#include "core/store/family_merge.h"
#include "core/sync/single_writer.h"

namespace sluice::store {

class VersionBuilder {
 public:
  // `bytes` counts what blocks are allocated and freed here.
  VersionBuilder(SlabCache& cache, sync::SingleWriter<int64_t>& bytes) noexcept : cache_(cache), bytes_(bytes) {}
  ~VersionBuilder() { discard(); }
  VersionBuilder(const VersionBuilder&) = delete;
  VersionBuilder& operator=(const VersionBuilder&) = delete;

  // All arguments must stay valid until take() or discard(); `merge` was made of `base` and `push`.
  void start(const model::Version* base, const model::CanonicalPush& push, const FamilyMerge& merge,
             const model::Shape& shape, std::string_view label_text, int64_t push_time_ns);
  // False: the slice is used up.
  [[nodiscard]] bool step(Deadline deadline);

  // What was built fits another base as well: the same shape and nothing kept of either base.
  [[nodiscard]] bool fits(const FamilyMerge& merge, const model::Shape& shape) const noexcept;
  // The finished version, still this builder's; `stamp` and the times may be set again before it is taken.
  [[nodiscard]] model::Version& finish(uint64_t stamp, int64_t push_time_ns, int64_t push_failure_time_ns) noexcept;
  // What it has, once it is built.
  [[nodiscard]] uint64_t series() const noexcept { return series_; }
  [[nodiscard]] uint64_t fragment_bytes() const noexcept { return fragment_bytes_; }
  // It was published: no longer this builder's.
  void take() noexcept;
  void discard() noexcept;

  [[nodiscard]] bool started() const noexcept { return stage_ != Stage::kIdle; }
  [[nodiscard]] bool built() const noexcept { return stage_ == Stage::kBuilt; }
  // It copied fragments of older blocks.
  [[nodiscard]] bool compacted() const noexcept { return copy_bytes_ != 0; }

 private:
  enum class Stage : uint8_t { kIdle, kCount, kCopyPush, kFill, kBuilt };

  struct KeptBlock {
    Block* block = nullptr;
    uint64_t live_bytes = 0;
    bool copy = false;
  };

  void list_base_blocks();
  void choose_copies();
  void allocate();
  [[nodiscard]] bool count_kept(Deadline deadline);
  [[nodiscard]] bool copy_push(Deadline deadline);
  [[nodiscard]] bool fill_table(Deadline deadline);

  SlabCache& cache_;
  sync::SingleWriter<int64_t>& bytes_;
  Stage stage_ = Stage::kIdle;
  const model::Version* base_ = nullptr;
  const model::CanonicalPush* push_ = nullptr;
  const FamilyMerge* merge_ = nullptr;
  const model::Shape* shape_ = nullptr;
  std::string_view label_text_;
  int64_t push_time_ns_ = 0;

  size_t at_ = 0;                       // progress within the stage
  std::vector<KeptBlock> kept_blocks_;  // sorted by address
  LargeVector<uint16_t> block_of_family_;
  size_t shared_count_ = 0;
  size_t copy_bytes_ = 0;
  Block* block_ = nullptr;
  const std::byte** table_ = nullptr;
  std::byte* push_to_ = nullptr;
  std::byte* copy_to_ = nullptr;
  uint64_t series_ = 0;
  uint64_t samples_ = 0;
  uint64_t fragment_bytes_ = 0;
};

}  // namespace sluice::store
