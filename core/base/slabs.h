// Memory of up to 16 KiB for a store, in pieces of 112 sizes: its slabs, and a cache of them for each writer.
//
// Why not malloc: what one worker allocates another one frees, and over a hundred million pushes the arenas of a
// general allocator grow to several times what is alive. Here a piece belongs to nobody: a writer allocates what it has
// freed before, and only what it has too many or too few of goes to the slabs or comes from there, 32 KiB at a time
// under a lock. Sizes are close enough (16 for each doubling, so 6 % at most are lost) that versions of all sizes fill
// each other's places.
//
// Regions of 2 MiB, aligned, are cut into 32 units; a span is one unit (pieces up to 2 KiB) or four, all of one size.
// A span without pieces is free for any size. Of the free ones more than kSlabBytesIdle are given back to the system, a
// little at a time, in the slices of a thread that has promised them (core/base/large_memory.h): regions that are free
// as a whole first, parts of one after kSlabIdleNs, because a huge page is given back in a thirtieth of the time that
// its small pages take once it was split, and where groups go, the rest of a region mostly goes, too. A region's
// addresses are never given back. Regions ask for huge pages.
//
// Larger pieces go through malloc, and from kLargeBytes on through core/base/large_memory. Under AddressSanitizer all
// do, so that it sees every piece by itself.
//
// Threads: Slabs by any, which a mutex keeps apart for some microseconds, as in any allocator; a SlabCache belongs to
// its writer's thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

#include "core/base/large_memory.h"

namespace sluice {

inline constexpr size_t kSlabBytesMax = 16 * 1024;
// Free spans that may stay resident, to be used again.
inline constexpr size_t kSlabBytesIdle = 8 * 1024 * 1024;
// How long free spans stay in a region that is not free as a whole, whatever they are.
inline constexpr int64_t kSlabIdleNs = 1'000'000'000;

class Slabs {
 public:
  static constexpr size_t kClasses = 112;
  // False in a build in which all pieces are malloc's.
  [[nodiscard]] static bool enabled() noexcept;

  Slabs();
  // All pieces are gone with it; what is larger must have been freed.
  ~Slabs();
  Slabs(const Slabs&) = delete;
  Slabs& operator=(const Slabs&) = delete;

  // `count` pieces, linked through their first bytes and ended by nullptr. Aborts when the system has no memory.
  [[nodiscard]] void* take(size_t size_class, uint32_t count) noexcept;
  // Gives linked pieces of one size back; true when more memory lies around than should.
  [[nodiscard]] bool give(void* pieces) noexcept;
  // Gives back to the system a region that is free as a whole, or some units of what has been idle since before
  // `before_ns` (monotonic clock): a huge page, or about 250 KiB in small ones. For later is what has not.
  [[nodiscard]] ReleaseLeft give_back_some(int64_t before_ns) noexcept;

  // Bytes of spans, in use or lying around: about what is resident.
  [[nodiscard]] uint64_t held_bytes() const noexcept;
  // Of these, what is no piece that is out; the caches of writers have taken theirs.
  [[nodiscard]] uint64_t free_bytes() const noexcept;

 private:
  struct Span;
  struct Region;

  static Region& region_of(void* memory) noexcept;
  static std::byte* begin_of(Region& region, unsigned unit) noexcept;

  [[nodiscard]] void* take_one(size_t size_class) noexcept;
  void give_one(void* piece) noexcept;
  [[nodiscard]] Span& start_span(size_t size_class) noexcept;
  void end_span(Span& span) noexcept;
  [[nodiscard]] Region& region_for(unsigned units) noexcept;
  // One that is free as a whole and holds nothing.
  [[nodiscard]] Region& fresh_region() noexcept;
  [[nodiscard]] void* map_region() noexcept;
  [[nodiscard]] Region* region_to_give_back(int64_t before_ns) const noexcept;
  void add_idle(Region& region) noexcept;
  void remove_idle(Region& region) noexcept;
  static void give_back_units(Region& region, uint32_t units) noexcept;
  [[nodiscard]] std::vector<Region*>& list_of(const Region& region) noexcept;
  void open(Region& region) noexcept;
  void close(Region& region) noexcept;
  void list(Span& span) noexcept;
  void unlist(Span& span) noexcept;

  mutable std::mutex mutex_;               // of all that follows
  std::array<Span*, kClasses> partial_{};  // spans with room, by size
  std::vector<void*> regions_;
  std::array<std::vector<Region*>, 2> open_;  // regions with free units, by the spans that they are cut into
  std::vector<Region*> spare_;                // regions that are free as a whole
  std::vector<void*> given_back_;             // the same, and not resident
  Region* idle_first_ = nullptr;              // regions with idle units, in the order in which they got some
  Region* idle_last_ = nullptr;
  size_t idle_bytes_ = 0;  // free, and resident
  // Whole regions in a row whose giving back has taken as long as that of small pages; with kSlowMax they have some.
  uint8_t slow_ = 0;
  uint64_t held_ = 0;
  uint64_t used_ = 0;  // of pieces that are out
};

class SlabCache {
 public:
  explicit SlabCache(Slabs& slabs) noexcept : slabs_(slabs) {}
  ~SlabCache();
  SlabCache(const SlabCache&) = delete;
  SlabCache& operator=(const SlabCache&) = delete;

  // Aligned to 16 bytes. Aborts when the system has no memory.
  [[nodiscard]] void* allocate(size_t bytes) noexcept;
  // Starts loading, to be written to, the piece that allocate() would return for as many bytes.
  void prefetch(size_t bytes) const noexcept;
  // A piece of the same slabs, with the `bytes` that it was allocated with.
  void free(void* memory, size_t bytes) noexcept;
  // The same when the slabs are about to be destroyed.
  static void free_at_end(void* memory, size_t bytes) noexcept;

 private:
  struct Pieces {
    void* first = nullptr;
    uint32_t count = 0;
  };

  void give(void* pieces) noexcept;

  Slabs& slabs_;
  std::array<Pieces, Slabs::kClasses> pieces_{};  // by size
  bool promised_ = false;                         // this thread's slices will give idle memory back
};

}  // namespace sluice
