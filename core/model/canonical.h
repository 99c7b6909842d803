// A push in canonical form: what the canonicaliser (parser) hands to the store.
//
// "The text is the store": each family of the push becomes one fragment, a run of bytes that a scrape copies without
// looking at it: the family's sample lines in text format 0.0.4 (no HELP, no TYPE), grouping labels applied, labels
// sorted by name, samples in the reference's order, numbers as Go prints them.
//
// A fragment in memory, 8-byte aligned and padded to a multiple of 8:
//
//   FragmentHeader | uint64 series_hash[series] | char text[text_bytes] | char record[record_bytes] | padding
//
// series_hash: keyed_hash of the text between `{` and `}` of the metric's label set (sorted, escaped, without le and
// quantile), one for each metric (a histogram is one), in the order of the text. It lets a probe for duplicate series
// across groups compare 8 bytes instead of scanning text.
// record: empty, or the metrics of the family as a protobuf MetricFamily message holds them (field 4; name, help and
// type are the shape's), for families that the text does not express exactly.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/model/families.h"
#include "core/model/push_pattern.h"

namespace sluice::model {

struct FragmentHeader {
  int64_t push_time_ns = 0;           // wall clock of the push that brought it; set by the store
  uint32_t series = 0;                // metrics, and entries of series_hash
  uint32_t samples : 30 = 0;          // lines of text
  uint32_t is_inconsistent : 1 = 0;   // in itself; only where such pushes are stored (--push.disable-consistency-check)
  uint32_t has_quoted_names : 1 = 0;  // a metric or label name in the text is not a legacy name
  uint32_t text_bytes = 0;
  uint32_t record_bytes = 0;
};
static_assert(sizeof(FragmentHeader) == 24);

// Read access to a fragment that lies in memory as above.
class Fragment {
 public:
  explicit Fragment(const std::byte* at) noexcept : at_(at) {}

  [[nodiscard]] const FragmentHeader& header() const noexcept { return *reinterpret_cast<const FragmentHeader*>(at_); }
  [[nodiscard]] const uint64_t* series_hashes() const noexcept {
    return reinterpret_cast<const uint64_t*>(at_ + sizeof(FragmentHeader));
  }
  [[nodiscard]] std::string_view text() const noexcept {
    return {reinterpret_cast<const char*>(at_ + text_offset(header().series)), header().text_bytes};
  }
  [[nodiscard]] std::string_view record() const noexcept {
    return {reinterpret_cast<const char*>(at_ + text_offset(header().series)) + header().text_bytes,
            header().record_bytes};
  }
  [[nodiscard]] size_t bytes() const noexcept {
    return size_of(header().series, header().text_bytes, header().record_bytes);
  }
  [[nodiscard]] const std::byte* address() const noexcept { return at_; }

  [[nodiscard]] static constexpr size_t text_offset(uint32_t series) noexcept {
    return sizeof(FragmentHeader) + size_t{8} * series;
  }
  [[nodiscard]] static constexpr size_t size_of(uint32_t series, uint32_t text_bytes, uint32_t record_bytes) noexcept {
    return (text_offset(series) + text_bytes + record_bytes + 7) & ~size_t{7};
  }

 private:
  const std::byte* at_;
};

// One family of a canonical push. Views point into the parsed Families.
struct CanonicalFamily {
  std::string_view name;
  std::string_view help;  // unescaped
  bool has_help = false;
  MetricType type = MetricType::kUntyped;
  uint32_t source = 0;       // index into Families::families
  uint64_t fragment_at = 0;  // byte offset of its fragment in CanonicalPush::bytes
};

// Memory of the fragments. New words are not zeroed: a large push reserves room for its whole text at once, and
// touching hundreds of megabytes before writing them would hold a worker for too long.
template <typename T>
struct UninitialisedAllocator : LargeAllocator<T> {
  template <typename U>
  struct rebind {
    using other = UninitialisedAllocator<U>;
  };
  UninitialisedAllocator() = default;
  template <typename U>
  explicit UninitialisedAllocator(const UninitialisedAllocator<U>&) noexcept {}
  template <typename U>
  void construct(U* at) noexcept {
    ::new (static_cast<void*>(at)) U;
  }
  template <typename U, typename... Args>
  void construct(U* at, Args&&... args) {
    ::new (static_cast<void*>(at)) U(std::forward<Args>(args)...);
  }
};
template <typename T>
using UninitialisedVector = std::vector<T, UninitialisedAllocator<T>>;

// Families sorted by name and unique; families without metrics and the names push_time_seconds and
// push_failure_time_seconds do not occur. Reused from push to push; clear() keeps the capacity.
struct CanonicalPush {
  LargeVector<CanonicalFamily> families;
  UninitialisedVector<uint64_t> words;  // backing store of the fragments; uint64_t for its alignment
  size_t used_bytes = 0;                // of words; a multiple of 8
  uint64_t series = 0;
  uint64_t samples = 0;
  // Names the list of families: two pushes of a process with the same one, which is not 0, have equal names, helps and
  // types in the same order. 0 says nothing.
  uint64_t list = 0;
  // What it was written from, valid as long as the views of the families; nullptr for nothing. Pushes with one `list`
  // that have a pattern have the same one. `numbers` are then those of the text, one for each of its lines.
  const PushPattern* pattern = nullptr;
  struct Number {
    uint32_t begin = 0;  // byte offset in bytes()
    uint32_t size = 0;
  };
  std::vector<Number> numbers;

  [[nodiscard]] const std::byte* bytes() const noexcept { return reinterpret_cast<const std::byte*>(words.data()); }
  [[nodiscard]] Fragment fragment(const CanonicalFamily& family) const noexcept {
    return Fragment(bytes() + family.fragment_at);
  }
  void clear() {
    families.clear();
    used_bytes = 0;
    series = 0;
    samples = 0;
    list = 0;
    pattern = nullptr;
  }
  // Of line `index` of a push with a pattern.
  [[nodiscard]] std::string_view number(size_t index) const noexcept {
    return {reinterpret_cast<const char*>(bytes()) + numbers[index].begin, numbers[index].size};
  }
};

// Why a push is inconsistent: with itself, with the gateway's own families or with another group. The first conflict in
// a fixed order; net/api turns it into the reference's text with the parsed families at hand.
enum class ConflictKind : uint8_t {
  kNoConflict,
  kTimestamp,          // a metric carries a timestamp
  kDuplicateSeries,    // metric `metric` equals an earlier one of the push, or one of another group
  kTypeMismatch,       // family `family` has another type (`other_type`) in another group or among the own families
  kMetricShape,        // metric `metric` does not have the content of its family's type (protobuf only)
  kSuffixCollision,    // `family` collides with `other_name` (x against x_count, x_sum, x_bucket)
  kInvalidUtf8,        // a label value of `metric` is not UTF-8; `label`
  kInvalidLabelName,   // a label name of `metric`; `label`
  kReservedLabel,      // `quantile` in a summary as an ordinary label; `label`
  kDuplicateLabel,     // a label name occurs twice in `metric`; `label`
  kInvalidMetricName,  // protobuf only
};

struct Conflict {
  ConflictKind kind = ConflictKind::kNoConflict;
  uint32_t family = kNone;  // index into Families::families
  uint32_t metric = kNone;  // index into Families::metrics
  MetricType other_type = MetricType::kUntyped;
  bool other_is_own = false;  // the other side is a family of the gateway itself
  std::string other_name;     // the family that `family` collides with
  std::string label;
  explicit operator bool() const noexcept { return kind != ConflictKind::kNoConflict; }
};

}  // namespace sluice::model
