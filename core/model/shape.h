// A shape: the interned list of families (name, type, help) that a group version consists of.
//
// The groups of a fleet push the same families over and over, so the names, types and helps are kept once and a version
// holds a pointer to its shape and one fragment for each family of it. Two versions have the same shape exactly when
// their pointers are equal (core/store interns; see core/store/shape_registry.h for counting and for life and death).
//
// Lifetime: a shape outlives every version that points to it. Immutable after construction; any thread may read it.
// Families are sorted by name and unique. Lookup is O(log families).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "core/base/large_memory.h"
#include "core/model/families.h"

namespace sluice::model {

struct ShapeFamily {
  std::string_view name;
  std::string_view help;  // unescaped; empty without has_help
  bool has_help = false;
  MetricType type = MetricType::kUntyped;

  friend bool operator==(const ShapeFamily&, const ShapeFamily&) = default;
};

class Shape {
 public:
  // Copies names and helps. `families` must be sorted by name and unique; `id` is never used twice in a process.
  Shape(std::span<const ShapeFamily> families, uint64_t id);
  // The same in slices: room for that many, then append() in name order before anybody else sees it.
  Shape(size_t families, size_t text_bytes, uint64_t id);
  void append(const ShapeFamily& family);
  Shape(const Shape&) = delete;
  Shape& operator=(const Shape&) = delete;

  [[nodiscard]] std::span<const ShapeFamily> families() const noexcept { return {families_.data(), families_.size()}; }
  [[nodiscard]] const ShapeFamily& family(size_t index) const noexcept { return families_[index]; }
  [[nodiscard]] size_t size() const noexcept { return families_.size(); }
  // Index of the family `name`, or kNone.
  [[nodiscard]] uint32_t find(std::string_view name) const noexcept;
  // Stable for the life of the shape and never used again after it: what a cache remembers instead of the pointer.
  [[nodiscard]] uint64_t id() const noexcept { return id_; }
  // Bytes of memory behind it.
  [[nodiscard]] size_t bytes() const noexcept { return bytes_; }

 private:
  LargeVector<ShapeFamily> families_;
  LargeVector<char> text_;  // never grows: the families point into it
  size_t bytes_ = 0;
  uint64_t id_ = 0;
};

// One step of the hash that interning uses over a list of families; keyed, start with 0. Chained so that a long list
// can be hashed in slices.
[[nodiscard]] uint64_t shape_hash_step(uint64_t hash, const ShapeFamily& family) noexcept;

// The base of a name that ends in _count, _sum or _bucket, else an empty view: what a suffix collision is about.
struct SuffixBase {
  std::string_view base;
  bool is_bucket = false;
};
[[nodiscard]] SuffixBase suffix_base(std::string_view name) noexcept;

}  // namespace sluice::model
