// How near the process is to --limits.memory, and what a push may therefore do.
//
// Resident memory is read from the system, and what the store has free in it (pieces of deleted groups) is taken off: a
// DELETE is felt at once, and the store grows into what it has. Read again when a worker has worked off about a MiB of
// pushes, and once a second.
//
// Below 7/8 of the limit everything goes. From there on what makes a group grow is refused: the last eighth is for
// bodies on their way, for replaced versions that a slow scrape still reads, and for scrapes. From 15/16 on only what
// shrinks passes, and from 31/32 on no push at all: one that shrinks takes memory too while a scrape holds what it
// replaces, so this ends with that scrape. DELETE and scrapes always pass. A body of more than 256 KiB needs several
// times its size while it is worked on, which must be there before it is looked at.
//
// Threads: any. Never waits, but for the slabs' lock.
#pragma once

#include <cstdint>

#include "core/store/ops.h"
#include "core/store/store.h"
#include "core/sync/shared_number.h"

namespace sluice::net::api {

class MemoryGuard {
 public:
  // 0: no limit, nothing is read.
  MemoryGuard(const store::Store& store, uint64_t limit_bytes);
  ~MemoryGuard();
  MemoryGuard(const MemoryGuard&) = delete;
  MemoryGuard& operator=(const MemoryGuard&) = delete;

  [[nodiscard]] uint64_t limit_bytes() const noexcept { return limit_bytes_; }

  // Reads how much memory is in use.
  void sample() noexcept;
  [[nodiscard]] store::Pressure pressure() const noexcept;
  // As last read; 0 without a limit.
  [[nodiscard]] uint64_t used_bytes() const noexcept { return static_cast<uint64_t>(used_.get()); }

  // Whether a body of this size may be worked on; then it is promised memory until give_back().
  [[nodiscard]] bool promise(uint64_t body_bytes) noexcept;
  void give_back(uint64_t body_bytes) noexcept;

 private:
  const store::Store& store_;
  const uint64_t limit_bytes_;
  int statm_ = -1;
  sync::SharedNumber resident_;
  sync::SharedNumber used_;      // of that, without what the store has free
  sync::SharedNumber promised_;  // to bodies that are being worked on
};

// One worker's part: samples when it has worked off enough, and keeps one push's promise.
class MemoryWatch {
 public:
  // Of work that makes memory, about.
  static constexpr uint64_t kBytesPerSample = 1024 * 1024;

  void worked_off(MemoryGuard& guard, uint64_t bytes) noexcept {
    bytes_ += bytes;
    if (bytes_ < kBytesPerSample) return;
    bytes_ = 0;
    guard.sample();
  }

 private:
  uint64_t bytes_ = 0;
};

}  // namespace sluice::net::api
