#include "parser/skeleton_key.h"

#include <algorithm>
#include <cstring>

#include "core/base/check.h"
#include "core/base/limits.h"
#include "parser/text_fast_name.h"

namespace sluice::parser {
namespace {

// Bytes at the front of a body that its key looks at.
constexpr size_t kKeyBytes = 64;
static_assert(limits::kSkeletonBodyBytesMin >= kKeyBytes);

// What a key looks at: the first line if it is a comment, else what stands before the first number.
size_t key_bytes(std::string_view body) noexcept {
  const char* const front = body.data();
  const void* const stop = std::memchr(front, *front == '#' ? '\n' : ' ', kKeyBytes);
  return stop == nullptr ? kKeyBytes : static_cast<size_t>(static_cast<const char*>(stop) - front);
}

// Of a protobuf body: the first family's length and name, where that is its first field, else the length alone. Numbers
// come later.
size_t protobuf_key_bytes(std::string_view body) noexcept {
  const size_t length_bytes = (body[0] & 0x80) == 0 ? 1 : (body[1] & 0x80) == 0 ? 2 : 3;
  if (body[length_bytes] != 0x0a) return length_bytes;
  const auto name = static_cast<unsigned char>(body[length_bytes + 1]);
  return std::min(kKeyBytes, length_bytes + 2 + name);
}

}  // namespace

uint32_t skeleton_key(std::string_view body, SkeletonForm form) noexcept {
  const bool protobuf = form == SkeletonForm::kProtobuf;
  const char* const front = body.data();
  const size_t bytes = protobuf ? protobuf_key_bytes(body) : key_bytes(body);
  // A protobuf body matches only one of its length.
  uint64_t hash = protobuf ? body.size() << 8 | bytes : bytes;
  if (bytes < 8) {
    hash += load_u64(front) << (63 - 8 * bytes) << 1;
  } else {
    hash += load_u64(front) * 0x9e3779b97f4a7c15;
    hash += load_u64(front + bytes / 2 - 4) * 0xd6e8feb86659fd93;
    hash ^= load_u64(front + bytes - 8) * 0xa0761d6478bd642f;
  }
  hash *= 0x9e3779b97f4a7c15;
  return (static_cast<uint32_t>(hash >> 32) & ~3U) | (protobuf ? 2 : 1);
}

}  // namespace sluice::parser
