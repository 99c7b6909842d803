// Says how far threads that restore a state together have come, now and then.
#pragma once

#include <cstdint>
#include <vector>

#include "core/base/clock.h"
#include "core/sync/single_writer.h"

namespace sluice::net::api {

class RestoreProgress {
 public:
  // `say(groups)` is called on the thread of part 0, at most once in `every_ns`.
  using Say = void (*)(uint64_t groups);
  RestoreProgress(unsigned parts, int64_t every_ns, Say say)
      : done_(parts), every_ns_(every_ns), say_(say), said_ns_(monotonic_ns()) {}

  // One group more; the thread of this part.
  void count(unsigned part) {
    ++done_[part].groups;
    if (part != 0 || monotonic_ns() - said_ns_ < every_ns_) return;
    said_ns_ = monotonic_ns();
    uint64_t groups = 0;
    for (const Part& other : done_) groups += other.groups;
    say_(groups);
  }

 private:
  struct alignas(64) Part {
    sync::SingleWriter<uint64_t> groups;
  };

  std::vector<Part> done_;
  const int64_t every_ns_;
  const Say say_;
  int64_t said_ns_;
};

}  // namespace sluice::net::api
