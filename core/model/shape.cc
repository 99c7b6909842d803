#include "core/model/shape.h"

#include <algorithm>

#include "core/base/check.h"
#include "core/base/hash.h"

namespace sluice::model {

namespace {

size_t text_of(std::span<const ShapeFamily> families) noexcept {
  size_t bytes = 0;
  for (const ShapeFamily& family : families) bytes += family.name.size() + family.help.size();
  return bytes;
}

}  // namespace

Shape::Shape(std::span<const ShapeFamily> families, uint64_t id) : Shape(families.size(), text_of(families), id) {
  for (const ShapeFamily& family : families) append(family);
}

Shape::Shape(size_t families, size_t text_bytes, uint64_t id)
    : bytes_(sizeof(Shape) + families * sizeof(ShapeFamily) + text_bytes), id_(id) {
  families_.reserve(families);
  text_.reserve(text_bytes);
}

void Shape::append(const ShapeFamily& family) {
  SLUICE_CHECK(text_.capacity() - text_.size() >= family.name.size() + family.help.size());
  SLUICE_DCHECK(families_.empty() || families_.back().name < family.name);
  const auto store = [this](std::string_view text) {
    const size_t at = text_.size();
    text_.insert(text_.end(), text.begin(), text.end());
    return std::string_view(text_.data() + at, text.size());
  };
  const std::string_view name = store(family.name);
  const std::string_view help = store(family.help);
  families_.push_back({name, help, family.has_help, family.type});
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
