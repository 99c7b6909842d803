// A group version: everything that a group contains at one moment, immutable once published.
//
// One push makes one version, in one block of memory (core/store/version_builder.h): this header, directly behind it
// the table of fragments, then the label text and the fragments that the push brought. Fragments that a POST left alone
// lie in the blocks of earlier versions, which this version keeps alive.
//
// Lifetime: the reader is protected by its worker's quiescent points (within one step) or by a Snapshot (until it is
// released). Any thread may read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/model/canonical.h"
#include "core/model/shape.h"

namespace sluice::model {

class Version {
 public:
  Version(const Version&) = delete;
  Version& operator=(const Version&) = delete;

  [[nodiscard]] const Shape& shape() const noexcept { return *shape_; }
  // The fragment of shape().family(index).
  [[nodiscard]] Fragment fragment(size_t index) const noexcept { return Fragment(table()[index]); }
  // Where the fragments lie, one for each family of the shape: known without reading the version.
  [[nodiscard]] const std::byte* const* table() const noexcept {
    return reinterpret_cast<const std::byte* const*>(this + 1);
  }
  // The group's labels as the text format spells them between the braces: sorted by name, values escaped, `instance=""`
  // added when the key has no instance. For the two time series of the group.
  [[nodiscard]] std::string_view label_text() const noexcept { return {label_text_, label_bytes_}; }
  // When the mutation that made this version happened, in the order of all mutations. Unique in the process.
  [[nodiscard]] uint64_t stamp() const noexcept { return stamp_; }
  // The version that this one replaced, nullptr for a group's first. Only for a snapshot that registered before this
  // version's stamp was drawn: for everybody else it may have been freed.
  [[nodiscard]] const Version* previous() const noexcept { return previous_; }
  // Wall clock of the last successful and the last failed push; 0 for never (rendered as 0).
  [[nodiscard]] int64_t push_time_ns() const noexcept { return push_time_ns_; }
  [[nodiscard]] int64_t push_failure_time_ns() const noexcept { return push_failure_time_ns_; }

  // Wall clock of the push, successful or not, that made the group: the JSON API shows it as the time stamp of the one
  // of the two times that never was.
  [[nodiscard]] int64_t made_time_ns() const noexcept { return made_time_ns_; }

  // How many wipes had begun when the oldest that it may contain was pushed: PUT counts anew, POST and a failure keep
  // the number.
  [[nodiscard]] uint32_t wipes() const noexcept { return wipes_; }

  // Sums over the fragments.
  [[nodiscard]] uint64_t series() const noexcept { return series_; }
  [[nodiscard]] uint64_t samples() const noexcept { return samples_; }
  [[nodiscard]] uint64_t fragment_bytes() const noexcept { return fragment_bytes_; }

 private:
  friend class VersionAccess;  // the builder's door: core/store makes and frees versions

  Version() = default;

  const Shape* shape_ = nullptr;
  const char* label_text_ = nullptr;
  const Version* previous_ = nullptr;
  uint64_t stamp_ = 0;
  int64_t push_time_ns_ = 0;
  int64_t push_failure_time_ns_ = 0;
  int64_t made_time_ns_ = 0;
  uint64_t series_ = 0;
  uint64_t samples_ = 0;
  uint64_t fragment_bytes_ = 0;
  uint32_t label_bytes_ = 0;
  uint32_t families_ = 0;       // of the table; shape().size(), for who may not look at the shape any more
  uint32_t shared_blocks_ = 0;  // blocks of earlier versions that it keeps alive; listed behind the table
  uint32_t wipes_ = 0;
};

}  // namespace sluice::model
