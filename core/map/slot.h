// The word of a slot: a pointer, 16 bits of its hash, and what happened to it.
//
//     63        48 47                         3 2 1 0
//    [  hash tag  |  address of the entry       |C|D|F]
//
//   0          EMPTY
//   F          EMPTY, frozen: the table is being moved, look in the next one
//   ptr        an entry
//   ptr|D      DEAD: erased. The address stays, so that a late helper knows that the entry has been moved already.
//   ptr|F      an entry, frozen, not known to be in the next table
//   ptr|F|C    an entry, frozen and moved: the truth is in the next table, the entry itself may have been freed
//   ptr|D|F    erased before the freeze; never moved
//
// An address is followed only when neither C nor D is set.
#pragma once

#include <cstdint>

#include "core/base/check.h"

namespace sluice::map::slot {

inline constexpr uint64_t kEmpty = 0;
inline constexpr uint64_t kFrozen = 1;
inline constexpr uint64_t kDead = 2;
inline constexpr uint64_t kMoved = 4;
inline constexpr uint64_t kFlags = kFrozen | kDead | kMoved;
inline constexpr unsigned kTagShift = 48;
inline constexpr uint64_t kAddress = ((uint64_t{1} << kTagShift) - 1) & ~kFlags;

// The low bits of the hash: buckets are chosen by the high ones.
[[nodiscard]] inline uint64_t tag(uint64_t hash) noexcept { return hash << kTagShift; }
[[nodiscard]] inline bool same_tag(uint64_t word, uint64_t hash) noexcept {
  return ((word ^ tag(hash)) >> kTagShift) == 0;
}

// User addresses have at most 47 bits on amd64 and 48 on arm64 unless a program asks the kernel for more.
template <typename Entry>
[[nodiscard]] uint64_t pack(const Entry* entry, uint64_t hash) noexcept {
  const auto address = reinterpret_cast<uintptr_t>(entry);
  SLUICE_CHECK((address & ~kAddress) == 0 && address != 0);
  return address | tag(hash);
}

[[nodiscard]] inline bool is_empty(uint64_t word) noexcept { return (word & kAddress) == 0; }
[[nodiscard]] inline bool is_frozen(uint64_t word) noexcept { return (word & kFrozen) != 0; }
[[nodiscard]] inline bool is_dead(uint64_t word) noexcept { return (word & kDead) != 0; }
[[nodiscard]] inline bool is_moved(uint64_t word) noexcept { return (word & kMoved) != 0; }

template <typename Entry>
[[nodiscard]] Entry* entry(uint64_t word) noexcept {
  return reinterpret_cast<Entry*>(word & kAddress);
}

}  // namespace sluice::map::slot
