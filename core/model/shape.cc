#include "core/model/shape.h"

#include <algorithm>

#include "core/base/check.h"
#include "core/base/hash.h"

namespace sluice::model {

Shape::Shape(std::span<const ShapeFamily> families, uint64_t id) : count_(families.size()), id_(id) {
  size_t text_bytes = 0;
  for (const ShapeFamily& family : families) text_bytes += family.name.size() + family.help.size();
  families_ = std::make_unique<ShapeFamily[]>(count_);
  text_ = std::make_unique_for_overwrite<char[]>(text_bytes);
  char* out = text_.get();
  for (size_t i = 0; i < count_; ++i) {
    const ShapeFamily& from = families[i];
    SLUICE_DCHECK(i == 0 || families[i - 1].name < from.name);
    ShapeFamily& to = families_[i];
    to = from;
    from.name.copy(out, from.name.size());
    to.name = {out, from.name.size()};
    out += from.name.size();
    from.help.copy(out, from.help.size());
    to.help = {out, from.help.size()};
    out += from.help.size();
  }
  bytes_ = sizeof(Shape) + count_ * sizeof(ShapeFamily) + text_bytes;
}

uint32_t Shape::find(std::string_view name) const noexcept {
  const std::span<const ShapeFamily> all = families();
  const auto at =
      std::lower_bound(all.begin(), all.end(), name,
                       [](const ShapeFamily& family, std::string_view wanted) { return family.name < wanted; });
  if (at == all.end() || at->name != name) return kNone;
  return static_cast<uint32_t>(at - all.begin());
}

uint64_t shape_hash_step(uint64_t hash, const ShapeFamily& family) noexcept {
  // Multiplying by odd constants between the parts keeps ("ab", "c") and ("a", "bc") apart; equality is always
  // verified.
  constexpr uint64_t kMix = 0x9E3779B97F4A7C15u;
  hash = (hash ^ keyed_hash(family.name)) * kMix;
  hash ^= hash >> 32;
  if (family.has_help) hash = (hash ^ keyed_hash(family.help)) * kMix;
  const uint64_t tail = uint64_t{static_cast<uint8_t>(family.type)} << 1 | uint64_t{family.has_help};
  hash = (hash + tail + 1) * kMix;
  return hash ^ hash >> 29;
}

SuffixBase suffix_base(std::string_view name) noexcept {
  if (name.ends_with("_count")) return {name.substr(0, name.size() - 6), false};
  if (name.ends_with("_sum")) return {name.substr(0, name.size() - 4), false};
  if (name.ends_with("_bucket")) return {name.substr(0, name.size() - 7), true};
  return {};
}

}  // namespace sluice::model
