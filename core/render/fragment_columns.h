// Where the fragments of a bucket lie, turned round: for a family the addresses of all groups' fragments, in a row.
//
// A group's table names its fragments family after family, a scrape asks for them group after group: read directly,
// every fragment costs a cache line of its table, of which eight bytes are used. Here a line is read once for several
// families, and where a fragment lies is known in time to ask memory for it.
//
// Lifetime: the bucket belongs to a snapshot that the caller holds. Memory: up to 64 bytes a group of the bucket. One
// owner, one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/model/canonical.h"
#include "core/store/snapshot.h"

namespace sluice::render {

class FragmentColumns {
 public:
  using Bucket = store::Snapshot::Bucket;

  // Not for a few groups, which stay in the cache, nor for a single family, whose table is read once anyway.
  [[nodiscard]] static bool pays(const Bucket& bucket) noexcept;

  // Reads the tables up to and with `family`, unless a former call has. Families come in ascending order. False when
  // `work`, in units of about 50 ns, has come to `work_max`: call again.
  [[nodiscard]] bool load(const Bucket& bucket, uint32_t family, uint32_t& work, uint32_t work_max);
  // After load(): the fragments of `family`, in the order of the bucket's groups.
  [[nodiscard]] std::span<const std::byte* const> column(uint32_t family) const noexcept;

 private:
  void start(const Bucket& bucket, uint32_t family);
  void read_table(const std::byte* const* table);

  model::UninitialisedVector<const std::byte*> addresses_;  // column after column
  size_t groups_ = 0;                                       // of the bucket; 0 before the first load
  uint32_t first_ = 0;                                      // family of the first column
  uint32_t columns_ = 0;
  // How far the reading has come.
  size_t done_ = 0;
  size_t chunk_ = 0;
  size_t index_ = 0;
};

}  // namespace sluice::render
