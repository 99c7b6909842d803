// Memory in pieces of about a megabyte and more: mapped for itself, and given back to the system in slices.
//
// Unmapping 100 MB that were used takes over 10 ms in one piece, wherever it hides: in free(), in the destructor of a
// vector. So what is that large does not go through malloc: a thread that has promised to release in slices keeps it on
// a list and unmaps a little in each turn. And since mapped memory costs nothing before it is touched, a table that may
// grow is given room for the largest that it can become, instead of copying millions of entries on the way.
//
// Any thread may allocate and release; a piece may be released by another thread than the one that allocated it. The
// list of a thread is its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>
#include <vector>

#include "core/base/clock.h"

namespace sluice {

// Below it, malloc: unmapping this much takes about 50 us.
inline constexpr size_t kLargeBytes = 1024 * 1024;
// The least that is worth a mapping of its own, for what must come cleared without being touched.
inline constexpr size_t kMappedBytesMin = 64 * 1024;

// Zeroed pages, aligned to a page; nullptr when the system has none. Never huge pages: the first touch of one clears 2
// MB, four slices' worth of work. `bytes` of at least kMappedBytesMin.
[[nodiscard]] void* allocate_large(size_t bytes) noexcept;
// Gives back what allocate_large() or mmap() gave, with the same number of bytes: now, or in the slices to come when
// this thread has promised them. What it holds is lost at once either way.
void release_large(void* memory, size_t bytes) noexcept;

// The same for what is allocated and released again and again in about the same size, as the versions of a large group
// are: bytes of any value, not zeros. A thread with a promise (below) keeps a few such pieces for a second or two,
// because the faults of new pages and their unmapping cost as much as filling them.
[[nodiscard]] void* allocate_large_again(size_t bytes) noexcept;
// Gives back what allocate_large_again() gave, with the same number of bytes.
void release_large_again(void* memory, size_t bytes) noexcept;
// Once a second, by a thread with a promise: what it has kept since the call before goes with the slices to come.
void age_large_memory() noexcept;

// Pieces that a thread keeps, and their bytes in all.
inline constexpr size_t kLargePiecesKept = 4;
inline constexpr size_t kLargeBytesKept = 8 * 1024 * 1024;

// The same for whoever has more to do than unmapping: `some` does a little of it and says what is left, and is called
// again and again with the slices of this thread, or a second later, until nothing is. False, and nothing happens,
// without a promise.
enum class ReleaseLeft : uint8_t { kNothing, kSome, kForLater };
[[nodiscard]] bool release_in_slices(ReleaseLeft (*some)(void*), void* context);
// Not to be called any more, by the same thread.
void forget_release(void* context) noexcept;

// What ReleaseLeft::kForLater waits for.
inline constexpr int64_t kReleaseLaterNs = 1'000'000'000;

// The promise of a thread, from construction to destruction, to call step() again and again while pending() is not 0,
// and wake() from later_at_ns() on.
class SlicedReleases {
 public:
  SlicedReleases() noexcept;
  // Releases the rest in one piece.
  ~SlicedReleases();
  SlicedReleases(const SlicedReleases&) = delete;
  SlicedReleases& operator=(const SlicedReleases&) = delete;

  // Releases until nothing is left or the deadline has passed, at least one piece of about 50 us.
  void step(Deadline deadline) noexcept;
  // Whoever had something for later is asked again, when it is time.
  void wake(int64_t now_ns) noexcept {
    if (now_ns >= later_at_ns_) ask_again();
  }
  // Monotonic clock; INT64_MAX: nobody has.
  [[nodiscard]] int64_t later_at_ns() const noexcept { return later_at_ns_; }
  // Bytes that wait.
  [[nodiscard]] size_t pending() const noexcept { return pending_; }
  // Bytes that are kept for allocate_large_again().
  [[nodiscard]] size_t kept() const noexcept { return kept_bytes_; }

 private:
  friend void release_large(void* memory, size_t bytes) noexcept;
  friend void* allocate_large_again(size_t bytes) noexcept;
  friend void release_large_again(void* memory, size_t bytes) noexcept;
  friend void age_large_memory() noexcept;
  friend bool release_in_slices(ReleaseLeft (*some)(void*), void* context);
  friend void forget_release(void* context) noexcept;
  void ask_again() noexcept;
  struct Piece {
    std::byte* memory;
    size_t bytes;
  };
  struct Kept {
    std::byte* memory;
    size_t bytes;
    bool old;  // was there at the last call of age_large_memory()
  };

  struct Source {
    ReleaseLeft (*some)(void*);
    void* context;
  };

  std::vector<Piece> pieces_;
  std::vector<Source> sources_;  // each counts as a byte that waits
  std::vector<Source> later_;    // sources from later_at_ns_ on
  int64_t later_at_ns_ = INT64_MAX;
  size_t pending_ = 0;
  std::vector<Kept> kept_;
  size_t kept_bytes_ = 0;
};

// For vectors that may become large. New elements of trivial types are values as with std::allocator.
template <typename T>
struct LargeAllocator {
  using value_type = T;
  LargeAllocator() = default;
  template <typename U>
  explicit LargeAllocator(const LargeAllocator<U>&) noexcept {}

  [[nodiscard]] T* allocate(size_t count) {
    if (count > static_cast<size_t>(-1) / sizeof(T)) throw std::bad_alloc();
    const size_t bytes = count * sizeof(T);
    void* memory = bytes < kLargeBytes ? std::malloc(bytes) : allocate_large(bytes);
    if (memory == nullptr) throw std::bad_alloc();
    return static_cast<T*>(memory);
  }
  void deallocate(T* memory, size_t count) noexcept {
    if (count * sizeof(T) < kLargeBytes) {
      std::free(memory);
    } else {
      release_large(memory, count * sizeof(T));
    }
  }
  friend bool operator==(const LargeAllocator&, const LargeAllocator&) noexcept { return true; }
};

template <typename T>
using LargeVector = std::vector<T, LargeAllocator<T>>;

// An array of zeros whose large ones are not touched before they are used. T is a trivial type for which zero bytes are
// a value.
template <typename T>
class ZeroedArray {
 public:
  ZeroedArray() = default;
  explicit ZeroedArray(size_t count) { allocate(count); }
  ZeroedArray(ZeroedArray&& other) noexcept
      : all_(std::exchange(other.all_, nullptr)),
        count_(std::exchange(other.count_, 0)),
        room_(std::exchange(other.room_, 0)) {}
  ZeroedArray& operator=(ZeroedArray&& other) noexcept {
    std::swap(all_, other.all_);
    std::swap(count_, other.count_);
    std::swap(room_, other.room_);
    return *this;
  }
  ~ZeroedArray() { release(); }

  // `count` zeros; a small array is used again.
  void assign(size_t count) {
    if (count <= room_ && count * sizeof(T) <= kReusedBytes) {
      std::memset(static_cast<void*>(all_), 0, count * sizeof(T));
      count_ = count;
      return;
    }
    release();
    allocate(count);
  }
  // Keeps small memory for the next assign(), gives large memory back.
  void drop_large() noexcept {
    if (room_ * sizeof(T) > kReusedBytes) release();
    count_ = 0;
  }

  [[nodiscard]] size_t size() const noexcept { return count_; }
  [[nodiscard]] T& operator[](size_t index) noexcept { return all_[index]; }
  [[nodiscard]] const T& operator[](size_t index) const noexcept { return all_[index]; }

 private:
  static constexpr size_t kReusedBytes = 64 * 1024;  // clearing takes a few microseconds

  void allocate(size_t count) {
    const size_t bytes = count * sizeof(T);
    all_ = static_cast<T*>(bytes < kLargeBytes ? std::calloc(count, sizeof(T)) : allocate_large(bytes));
    if (all_ == nullptr && count != 0) throw std::bad_alloc();
    count_ = room_ = count;
  }
  void release() noexcept {
    if (room_ * sizeof(T) < kLargeBytes) {
      std::free(all_);
    } else {
      release_large(all_, room_ * sizeof(T));
    }
    all_ = nullptr;
    count_ = room_ = 0;
  }

  T* all_ = nullptr;
  size_t count_ = 0;
  size_t room_ = 0;
};

// Room for `most` elements, which are only touched when they are used; for `usual` ones where the system does not
// promise more memory than it has.
template <typename Vector>
void reserve_room(Vector& vector, size_t most, size_t usual) {
  try {
    vector.reserve(most);
  } catch (const std::bad_alloc&) {
    vector.reserve(usual);
  }
}

}  // namespace sluice
