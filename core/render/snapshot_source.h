// What every renderer of a snapshot is: its bytes, and what it left out.
#pragma once

#include <cstdint>

#include "core/render/byte_source.h"

namespace sluice::render {

class SnapshotSource : public ByteSource {
 public:
  // Fragments left out so far because their type differs from their family's.
  [[nodiscard]] virtual uint64_t left_out() const noexcept = 0;
  // Of the bytes that the next call of produce() writes, see FamilyWalk::place(); no call goes on from one place to the
  // next.
  [[nodiscard]] virtual uint32_t place() const noexcept = 0;
  // See FamilyWalk; final when produce() has said kDone.
  [[nodiscard]] virtual bool left_to_own() const noexcept = 0;
};

}  // namespace sluice::render
