#include "parser/skeleton_cache.h"

#include <bit>
#include <memory>
#include <utility>

namespace sluice::parser {
namespace {

bool is_in_range(std::string_view body) noexcept {
  return body.size() >= limits::kSkeletonBodyBytesMin && body.size() < limits::kSkeletonBodyBytesMax;
}

}  // namespace

SkeletonCache::Loan SkeletonCache::find(std::string_view body, Form form) {
  if (!is_in_range(body)) return {};
  for (uint32_t same = slots_.slots_of(skeleton_key(body, form)); same != 0; same &= same - 1) {
    const auto index = static_cast<uint32_t>(std::countr_zero(same));
    SkeletonSlot& slot = slots_[index];
    if (slot.lent) continue;
    if (slot.skeleton->match(body)) {
      slots_.note_match(slot);
      return Loan(slot);
    }
    slots_.note_mismatch(index);
  }
  return {};
}

void SkeletonCache::learn(std::string_view body, Form form) {
  if (!is_in_range(body)) return;
  const uint32_t key = skeleton_key(body, form);
  if (!slots_.is_due(key)) return;
  const uint32_t index = slots_.victim();
  if (index == slots_.kNoSlot) return;
  auto skeleton = std::make_unique<Skeleton>();
  const bool made = form == Form::kText ? skeleton->make(body, parser_) : skeleton->make(body, protobuf_parser_);
  slots_.put(index, key, made ? std::move(skeleton) : nullptr);
}

}  // namespace sluice::parser
