// What bodies that may repeat each other have in common at their front, in 32 bits.
#pragma once

#include <cstdint>
#include <string_view>

namespace sluice::parser {

enum class SkeletonForm : uint8_t { kText, kProtobuf };

// Of a body of at least limits::kSkeletonBodyBytesMin bytes. Never 0; those of the two forms differ. Not a hash that
// resists anybody: equal keys cost a comparison.
[[nodiscard]] uint32_t skeleton_key(std::string_view body, SkeletonForm form) noexcept;

}  // namespace sluice::parser
