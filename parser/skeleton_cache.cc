#include "parser/skeleton_cache.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "core/base/check.h"
#include "parser/text_fast_name.h"

namespace sluice::parser {
namespace {

// Bytes at the front of a body that its key looks at.
constexpr size_t kKeyBytes = 64;
static_assert(limits::kSkeletonBodyBytesMin >= kKeyBytes);
// A skeleton costs about as much as this many matches save.
constexpr uint32_t kHitsPaid = 8;
// Comparisons in a row that fail before a skeleton is dropped: four for each of the skeletons that may share a key.
constexpr uint32_t kMissesMax = 4 * limits::kSkeletonsPerWorker;

bool is_in_range(std::string_view body) noexcept {
  return body.size() >= limits::kSkeletonBodyBytesMin && body.size() < limits::kSkeletonBodyBytesMax;
}

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

// Not a hash that resists anybody: equal keys cost a comparison. Never 0; those of the two forms differ.
uint32_t key_of(std::string_view body, SkeletonCache::Form form) noexcept {
  const bool protobuf = form == SkeletonCache::Form::kProtobuf;
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

}  // namespace

SkeletonCache::Loan::Loan(SkeletonCache& cache, uint32_t slot) noexcept
    : cache_(&cache), slot_(slot), skeleton_(std::move(cache.slots_[slot].skeleton)) {}

SkeletonCache::Loan& SkeletonCache::Loan::operator=(Loan&& other) noexcept {
  give_back();
  cache_ = other.cache_;
  slot_ = other.slot_;
  skeleton_ = std::move(other.skeleton_);
  return *this;
}

void SkeletonCache::Loan::give_back() noexcept {
  if (skeleton_ == nullptr) return;
  Slot& slot = cache_->slots_[slot_];
  SLUICE_DCHECK(slot.lent && slot.skeleton == nullptr);
  slot.lent = false;
  slot.skeleton = std::move(skeleton_);
}

SkeletonCache::Loan SkeletonCache::find(std::string_view body, Form form) {
  if (!is_in_range(body)) return {};
  const uint32_t key = key_of(body, form);
  uint32_t same = 0;
  for (uint32_t index = 0; index < kSlots; ++index) same |= (keys_[index] == key ? 1u : 0u) << index;
  for (; same != 0; same &= same - 1) {
    const auto index = static_cast<uint32_t>(std::countr_zero(same));
    Slot& slot = slots_[index];
    if (slot.lent) continue;
    if (slot.skeleton->match(body)) {
      slot.used = true;
      slot.misses = 0;
      slot.hits = std::min(slot.hits + 1, kHitsPaid);
      slot.lent = true;
      return {*this, index};
    }
    if (++slot.misses == kMissesMax) drop(index);
  }
  return {};
}

void SkeletonCache::drop(uint32_t index) noexcept {
  Slot& slot = slots_[index];
  SLUICE_DCHECK(!slot.lent);
  if (slot.skeleton == nullptr) return;
  wait_next_ = slot.hits < kHitsPaid ? std::min(2 * wait_next_ + 1, limits::kSkeletonWaitMax) : wait_next_ / 2;
  slot = {};
  keys_[index] = 0;
}

uint32_t SkeletonCache::victim() noexcept {
  for (uint32_t index = 0; index < kSlots; ++index) {
    if (keys_[index] == 0) return index;
  }
  // Whoever was used since the hand passed is passed over once.
  for (uint32_t looks = 0; looks < 2 * kSlots; ++looks) {
    const uint32_t index = hand_;
    hand_ = (hand_ + 1) % kSlots;
    Slot& slot = slots_[index];
    if (slot.lent) continue;
    if (!slot.used) return index;
    slot.used = false;
  }
  return kSlots;
}

bool SkeletonCache::was_seen(uint32_t key) noexcept {
  bool found = false;  // without a branch, so that four are compared at once
  for (const uint32_t seen : seen_) found |= seen == key;
  if (!found) seen_[seen_at_++ % kSeen] = key;
  return found;
}

void SkeletonCache::learn(std::string_view body, Form form) {
  if (!is_in_range(body)) return;
  if (wait_ != 0) {
    --wait_;
    return;
  }
  const uint32_t key = key_of(body, form);
  if (!was_seen(key)) return;
  const uint32_t index = victim();
  if (index == kSlots) return;
  auto skeleton = std::make_unique<Skeleton>();
  if (form == Form::kText ? skeleton->make(body, parser_) : skeleton->make(body, protobuf_parser_)) {
    drop(index);
    slots_[index].skeleton = std::move(skeleton);
    keys_[index] = key;
  } else {
    wait_next_ = std::min(2 * wait_next_ + 1, limits::kSkeletonWaitMax);
  }
  wait_ = wait_next_;
}

}  // namespace sluice::parser
