#include "core/base/slabs.h"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <new>
#include <utility>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/sanitizers.h"

namespace sluice {

namespace {

constexpr size_t kPieceBytesMax = kAddressSanitizer ? 0 : kSlabBytesMax;

constexpr size_t kRegionBytes = 2 * 1024 * 1024;
constexpr size_t kUnitBytes = 64 * 1024;
constexpr size_t kHeaderBytes = 4096;  // of a region, in its first unit
constexpr size_t kSmallBytesMax = 2048;
constexpr unsigned kUnits = 32;
constexpr unsigned kUnitsOfLarge = 4;
constexpr uint32_t kAllUnits = 0xffffffff;
// Given back at a time where pages are small: 64 pages, 35 us.
constexpr unsigned kUnitsGivenBack = 4;
// A huge page takes 10 us, 512 small ones 300 us.
constexpr int64_t kHugeGivenBackNs = 100'000;
constexpr uint8_t kSlowMax = 8;  // it may be the machine that was slow
// What goes between a cache and the slabs at a time.
constexpr size_t kBatchBytes = 16 * 1024;

// Up to 256 bytes in steps of 16; from there 16 sizes for each doubling.
constexpr size_t class_of(size_t bytes) noexcept {
  if (bytes <= 256) return (bytes + 15) / 16 - 1;
  const auto doubling = static_cast<size_t>(std::bit_width(bytes - 1)) - 1;
  return 16 + (doubling - 8) * 16 + ((bytes - 1 - (size_t{1} << doubling)) >> (doubling - 4));
}
constexpr size_t bytes_of(size_t size_class) noexcept {
  if (size_class < 16) return (size_class + 1) * 16;
  const size_t doubling = 8 + (size_class - 16) / 16;
  return (size_t{1} << doubling) + ((size_class % 16 + 1) << (doubling - 4));
}
static_assert(class_of(1) == 0 && class_of(256) == 15 && class_of(257) == 16 && bytes_of(16) == 272);
static_assert(class_of(512) == 31 && bytes_of(31) == 512 && class_of(kSlabBytesMax) == 111 && bytes_of(111) == 16384);

constexpr uint32_t mask_of(unsigned first, unsigned units) noexcept {
  return (units == 32 ? kAllUnits : (uint32_t{1} << units) - 1) << first;
}

constexpr uint32_t batch_of(size_t size_class) noexcept {
  return static_cast<uint32_t>(std::clamp<size_t>(kBatchBytes / bytes_of(size_class), 2, 64));
}

void*& next_of(void* piece) noexcept { return *static_cast<void**>(piece); }

}  // namespace

// All pieces of one size. Its state lies in the region's header, so that pages of free units hold nothing.
struct Slabs::Span {
  Span* previous;
  Span* next;
  void* free;        // pieces that came back
  uint32_t used;     // pieces that are out
  uint32_t started;  // pieces that ever were
  uint32_t capacity;
  uint16_t size_class;
  uint8_t first;  // unit
  uint8_t units;
};

struct Slabs::Region {
  uint32_t free_units;
  uint32_t idle_units;     // free, and perhaps resident; with any it lies between idle_first_ and idle_last_
  uint32_t open_at;        // in open_ or spare_
  uint8_t units_of_spans;  // 0: free as a whole
  bool small_pages;        // a part of it was given back
  int64_t idle_since_ns;   // monotonic clock
  Region* idle_previous;
  Region* idle_next;
  uint8_t first_of[kUnits];
  Span spans[kUnits];  // by first unit
};

bool Slabs::enabled() noexcept { return kPieceBytesMax != 0; }

Slabs::Slabs() { static_assert(sizeof(Region) <= kHeaderBytes); }

Slabs::~Slabs() {
  for (void* region : regions_) ::munmap(region, kRegionBytes);
}

Slabs::Region& Slabs::region_of(void* memory) noexcept {
  return *reinterpret_cast<Region*>(reinterpret_cast<uintptr_t>(memory) & ~(kRegionBytes - 1));
}

std::byte* Slabs::begin_of(Region& region, unsigned unit) noexcept {
  return reinterpret_cast<std::byte*>(&region) + (unit == 0 ? kHeaderBytes : unit * kUnitBytes);
}

uint64_t Slabs::held_bytes() const noexcept {
  const std::scoped_lock lock(mutex_);
  return held_;
}

uint64_t Slabs::free_bytes() const noexcept {
  const std::scoped_lock lock(mutex_);
  return held_ - used_;
}

void* Slabs::take(size_t size_class, uint32_t count) noexcept {
  void* pieces = nullptr;
  const std::scoped_lock lock(mutex_);
  for (; count != 0; --count) {
    void* const piece = take_one(size_class);
    next_of(piece) = pieces;
    pieces = piece;
  }
  return pieces;
}

bool Slabs::give(void* pieces) noexcept {
  const std::scoped_lock lock(mutex_);
  while (pieces != nullptr) give_one(std::exchange(pieces, next_of(pieces)));
  return idle_bytes_ > kSlabBytesIdle;
}

void* Slabs::take_one(size_t size_class) noexcept {
  Span* span = partial_[size_class];
  if (span == nullptr) span = &start_span(size_class);
  void* piece = span->free;
  if (piece != nullptr) {
    span->free = next_of(piece);
  } else {
    piece = begin_of(region_of(span), span->first) + size_t{span->started++} * bytes_of(size_class);
  }
  used_ += bytes_of(size_class);
  if (++span->used == span->capacity) unlist(*span);
  return piece;
}

void Slabs::give_one(void* piece) noexcept {
  Region& region = region_of(piece);
  const auto offset = static_cast<size_t>(static_cast<std::byte*>(piece) - reinterpret_cast<std::byte*>(&region));
  Span& span = region.spans[region.first_of[offset / kUnitBytes]];
  next_of(piece) = span.free;
  span.free = piece;
  used_ -= bytes_of(span.size_class);
  if (span.used-- == span.capacity) list(span);
  if (span.used == 0) end_span(span);
}

void Slabs::list(Span& span) noexcept {
  Span*& first = partial_[span.size_class];
  span.previous = nullptr;
  span.next = first;
  if (first != nullptr) first->previous = &span;
  first = &span;
}

void Slabs::unlist(Span& span) noexcept {
  (span.previous != nullptr ? span.previous->next : partial_[span.size_class]) = span.next;
  if (span.next != nullptr) span.next->previous = span.previous;
}

Slabs::Span& Slabs::start_span(size_t size_class) noexcept {
  const unsigned units = bytes_of(size_class) <= kSmallBytesMax ? 1 : kUnitsOfLarge;
  Region& region = region_for(units);
  // What is resident anyway first. Large spans are free or not as a whole.
  const uint32_t idle = region.free_units & region.idle_units;
  const auto first = static_cast<unsigned>(std::countr_zero(idle != 0 ? idle : region.free_units)) / units * units;
  const uint32_t mask = mask_of(first, units);
  SLUICE_DCHECK((region.free_units & mask) == mask);
  const auto idle_bytes = static_cast<size_t>(std::popcount(region.idle_units & mask)) * kUnitBytes;
  idle_bytes_ -= idle_bytes;
  held_ += units * kUnitBytes - idle_bytes;
  region.free_units &= ~mask;
  if (idle != 0) {
    // What is left of them is as good as new: a region that is in use mostly is wanted again.
    remove_idle(region);
    region.idle_units &= ~mask;
    if (region.idle_units != 0) add_idle(region);
  }
  if (region.free_units == 0) close(region);
  for (unsigned unit = first; unit < first + units; ++unit) region.first_of[unit] = static_cast<uint8_t>(first);
  const size_t room = units * kUnitBytes - (first == 0 ? kHeaderBytes : 0);
  Span& span = region.spans[first];
  span = {nullptr,
          nullptr,
          nullptr,
          0,
          0,
          static_cast<uint32_t>(room / bytes_of(size_class)),
          static_cast<uint16_t>(size_class),
          static_cast<uint8_t>(first),
          static_cast<uint8_t>(units)};
  list(span);
  return span;
}

void Slabs::end_span(Span& span) noexcept {
  unlist(span);
  Region& region = region_of(&span);
  const uint32_t mask = mask_of(span.first, span.units);
  const bool was_full = region.free_units == 0;
  region.free_units |= mask;
  if (region.idle_units == 0) add_idle(region);
  region.idle_units |= mask;
  idle_bytes_ += span.units * kUnitBytes;
  if (region.free_units == kAllUnits) {
    if (!was_full) close(region);
    region.units_of_spans = 0;
    open(region);
  } else if (was_full) {
    open(region);
  }
}

void Slabs::add_idle(Region& region) noexcept {
  region.idle_since_ns = monotonic_ns();
  region.idle_previous = idle_last_;
  region.idle_next = nullptr;
  (idle_last_ != nullptr ? idle_last_->idle_next : idle_first_) = &region;
  idle_last_ = &region;
}

void Slabs::remove_idle(Region& region) noexcept {
  (region.idle_previous != nullptr ? region.idle_previous->idle_next : idle_first_) = region.idle_next;
  (region.idle_next != nullptr ? region.idle_next->idle_previous : idle_last_) = region.idle_previous;
}

Slabs::Region& Slabs::region_for(unsigned units) noexcept {
  std::vector<Region*>& regions = open_[units == 1 ? 0 : 1];
  if (!regions.empty()) return *regions.back();
  Region& region = spare_.empty() ? fresh_region() : *spare_.back();
  if (!spare_.empty()) spare_.pop_back();
  // One huge page, where the system allows it: a scrape reads pieces all over the heap, and half of its time went into
  // finding their pages. A first touch then clears 2 MiB, in 0.1 ms or so.
  ::madvise(&region, kRegionBytes, MADV_HUGEPAGE);
  region.units_of_spans = static_cast<uint8_t>(units);
  open(region);
  return region;
}

Slabs::Region& Slabs::fresh_region() noexcept {
  void* memory;
  if (given_back_.empty()) {
    memory = map_region();
  } else {
    memory = given_back_.back();
    given_back_.pop_back();
  }
  auto* const region = new (memory) Region();
  region->free_units = kAllUnits;
  return *region;
}

void* Slabs::map_region() noexcept {
  // Twice the room, of which an aligned half stays.
  void* const memory =
      ::mmap(nullptr, 2 * kRegionBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  SLUICE_CHECK(memory != MAP_FAILED);
  auto* const begin = static_cast<std::byte*>(memory);
  const size_t before = (kRegionBytes - reinterpret_cast<uintptr_t>(memory) % kRegionBytes) % kRegionBytes;
  if (before != 0) ::munmap(begin, before);
  if (before != kRegionBytes) ::munmap(begin + before + kRegionBytes, kRegionBytes - before);
  regions_.push_back(begin + before);
  return begin + before;
}

std::vector<Slabs::Region*>& Slabs::list_of(const Region& region) noexcept {
  if (region.units_of_spans == 0) return spare_;
  return open_[region.units_of_spans == 1 ? 0 : 1];
}

void Slabs::open(Region& region) noexcept {
  std::vector<Region*>& regions = list_of(region);
  region.open_at = static_cast<uint32_t>(regions.size());
  regions.push_back(&region);
}

void Slabs::close(Region& region) noexcept {
  std::vector<Region*>& regions = list_of(region);
  SLUICE_DCHECK(regions[region.open_at] == &region);
  regions[region.open_at] = regions.back();
  regions[region.open_at]->open_at = region.open_at;
  regions.pop_back();
}

// Regions that are free as a whole have idle units, else they would have been given back.
Slabs::Region* Slabs::region_to_give_back(int64_t before_ns) const noexcept {
  if (!spare_.empty()) return spare_.back();
  return idle_first_ != nullptr && idle_first_->idle_since_ns < before_ns ? idle_first_ : nullptr;
}

ReleaseLeft Slabs::give_back_some(int64_t before_ns) noexcept {
  const auto too_much = [this] { return idle_bytes_ > kSlabBytesIdle / 2 && idle_first_ != nullptr; };
  Region* whole = nullptr;
  bool huge = false;
  bool more = false;
  {
    const std::scoped_lock lock(mutex_);
    if (!too_much()) return ReleaseLeft::kNothing;
    Region* const found = region_to_give_back(before_ns);
    if (found == nullptr) return ReleaseLeft::kForLater;
    Region& region = *found;
    huge = region.units_of_spans == 0 && slow_ != kSlowMax && !region.small_pages;
    uint32_t units = region.idle_units;
    if (!huge) {
      for (uint32_t left = kUnitsGivenBack; left != 0; --left) units &= units - 1;
      units ^= region.idle_units;  // the lowest
      give_back_units(region, units);
      region.small_pages = true;
    }
    const auto bytes = static_cast<size_t>(std::popcount(units)) * kUnitBytes;
    idle_bytes_ -= bytes;
    held_ -= bytes;
    region.idle_units &= ~units;
    if (region.idle_units == 0) {
      remove_idle(region);
      if (region.units_of_spans == 0) {
        close(region);
        whole = &region;
      }
    }
    more = too_much();
  }
  if (whole != nullptr) {
    // Without the lock, because nobody has this one now; and with its header. Were one page of a huge one left, the
    // kernel would count the others as given back but have them again only when it is short of memory.
    const int64_t began_ns = monotonic_ns();
    ::madvise(whole, kRegionBytes, MADV_DONTNEED);
    const bool fast = monotonic_ns() - began_ns < kHugeGivenBackNs;
    const std::scoped_lock lock(mutex_);
    given_back_.push_back(whole);
    if (huge) slow_ = fast ? 0 : static_cast<uint8_t>(slow_ + 1);
  }
  return more ? ReleaseLeft::kSome : ReleaseLeft::kNothing;
}

void Slabs::give_back_units(Region& region, uint32_t units) noexcept {
  // What is left of it stays in small pages, else the kernel would make a huge one of them again.
  ::madvise(&region, kRegionBytes, MADV_NOHUGEPAGE);
  while (units != 0) {
    const auto first = static_cast<unsigned>(std::countr_zero(units));
    const auto count = static_cast<unsigned>(std::countr_one(units >> first));
    ::madvise(begin_of(region, first), count * kUnitBytes - (first == 0 ? kHeaderBytes : 0), MADV_DONTNEED);
    units &= ~mask_of(first, count);
  }
}

SlabCache::~SlabCache() {
  for (Pieces& pieces : pieces_) {
    if (pieces.first != nullptr) give(pieces.first);
  }
  if (promised_) forget_release(this);
}

void* SlabCache::allocate(size_t bytes) noexcept {
  if (bytes > kPieceBytesMax) {
    void* memory = bytes < kLargeBytes ? std::malloc(bytes) : allocate_large_again(bytes);
    SLUICE_CHECK(memory != nullptr);
    return memory;
  }
  const size_t size_class = class_of(bytes);
  Pieces& pieces = pieces_[size_class];
  if (pieces.first == nullptr) {
    pieces.count = batch_of(size_class);
    pieces.first = slabs_.take(size_class, pieces.count);
  }
  void* const memory = pieces.first;
  pieces.first = next_of(memory);
  --pieces.count;
  return memory;
}

void SlabCache::prefetch(size_t bytes) const noexcept {
  constexpr size_t kLine = 64;
  constexpr size_t kBytesMax = 4096;
  if (bytes == 0 || bytes > std::min(kPieceBytesMax, kBytesMax)) return;
  const auto* const piece = static_cast<const std::byte*>(pieces_[class_of(bytes)].first);
  if (piece == nullptr) return;
  for (size_t at = 0; at < bytes; at += kLine) __builtin_prefetch(piece + at, 1);
}

void SlabCache::free(void* memory, size_t bytes) noexcept {
  if (bytes > kPieceBytesMax) return free_at_end(memory, bytes);
  const size_t size_class = class_of(bytes);
  Pieces& pieces = pieces_[size_class];
  next_of(memory) = pieces.first;
  pieces.first = memory;
  const uint32_t batch = batch_of(size_class);
  if (++pieces.count <= 2 * batch) return;
  // The older ones go.
  void* last = pieces.first;
  for (uint32_t kept = 1; kept != batch; ++kept) last = next_of(last);
  pieces.count = batch;
  give(std::exchange(next_of(last), nullptr));
}

void SlabCache::free_at_end(void* memory, size_t bytes) noexcept {
  if (bytes <= kPieceBytesMax) return;  // goes with its region
  if (bytes < kLargeBytes) {
    std::free(memory);
  } else {
    release_large_again(memory, bytes);
  }
}

void SlabCache::give(void* pieces) noexcept {
  if (!slabs_.give(pieces) || promised_) return;
  const auto some = [](void* cache) {
    auto& self = *static_cast<SlabCache*>(cache);
    const ReleaseLeft left = self.slabs_.give_back_some(monotonic_ns() - kSlabIdleNs);
    self.promised_ = left != ReleaseLeft::kNothing;
    return left;
  };
  promised_ = release_in_slices(some, this);
  if (promised_) return;
  while (slabs_.give_back_some(INT64_MAX) == ReleaseLeft::kSome) {
  }
}

}  // namespace sluice
