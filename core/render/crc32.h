// CRC-32 of gzip (RFC 1952, reflected polynomial edb88320): of bytes, and of two texts one behind the other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sluice::render {

// Of `text` behind bytes whose CRC is `crc`; 0 for the first.
[[nodiscard]] uint32_t crc32(uint32_t crc, std::string_view text) noexcept;

// The CRC of A followed by B, from those of A and B and the length of B: blocks that were compressed apart, or are
// copied from a cache, need not be read again. About a microsecond.
[[nodiscard]] uint32_t crc32_combine(uint32_t crc_a, uint32_t crc_b, uint64_t bytes_b) noexcept;

}  // namespace sluice::render
