// The metric names of one body and what each stands for: which family, and which part of a summary or histogram.
//
// What a name stands for never changes within a body: a family `x_count` can only come into being while `x` is not a
// summary or histogram, and then keeps the name for itself; once `x_count` means the count of `x`, `x` keeps its type.
//
// One owner, one thread, reused from body to body. Names are views into the body.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/base/large_memory.h"
#include "core/model/families.h"
#include "parser/index_table.h"
#include "parser/text_fast_name.h"

namespace sluice::parser {

// kBucket is a name of its own only for finding the family: the reference takes the `le` of any line of a histogram.
enum class NameRole : uint8_t { kPlain, kCount, kSum, kBucket };

struct MetricName {
  KnownName known;
  uint32_t family = model::kNone;  // into Families::families
  NameRole role = NameRole::kPlain;
  uint32_t successor = 0;  // the name that followed this one the last time another did; an index into this table
};

class MetricNames {
 public:
  // Begins a body of that many bytes.
  void start(size_t body_bytes, model::Families& families);

  // The entry of `name`, a valid legacy name; a name that stands for nothing yet becomes a family without a type.
  [[nodiscard]] uint32_t find_or_add(std::string_view name);

  [[nodiscard]] MetricName& operator[](uint32_t index) noexcept { return names_[index]; }
  [[nodiscard]] size_t size() const noexcept { return names_.size(); }

  // Whether the family has a type that is settled: by a TYPE line, or untyped by its first sample.
  [[nodiscard]] bool type_known(uint32_t family) const noexcept { return type_known_[family] != 0; }
  void set_type(uint32_t family, model::MetricType type) noexcept {
    type_known_[family] = 1;
    families_->families[family].type = type;
  }

 private:
  [[nodiscard]] uint32_t find(std::string_view name, uint64_t hash) const;
  // The family of which `name` without its suffix is the name, when its type gives the suffix a meaning.
  [[nodiscard]] bool resolve_suffix(std::string_view name, MetricName& out) const;

  model::Families* families_ = nullptr;
  LargeVector<MetricName> names_;
  LargeVector<uint8_t> type_known_;  // for each family
  IndexTable by_hash_;
};

}  // namespace sluice::parser
