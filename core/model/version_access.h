// The builder's door to Version: only core/store includes it.
//
// Constructs a Version in raw memory and fills it before it is published; nothing here may be called afterwards.
#pragma once

#include <new>

#include "core/model/version.h"

namespace sluice::model {

class VersionAccess {
 public:
  // `at` must be aligned for Version and stay valid for its whole life, with room for the table behind the Version. A
  // Version needs no destruction.
  [[nodiscard]] static Version* construct(void* at) noexcept { return new (at) Version(); }

  static void set_shape(Version& version, const Shape* shape) noexcept {
    version.shape_ = shape;
    version.families_ = static_cast<uint32_t>(shape->size());
  }
  [[nodiscard]] static size_t table_size(const Version& version) noexcept { return version.families_; }
  static void set_label_text(Version& version, std::string_view text) noexcept {
    version.label_text_ = text.data();
    version.label_bytes_ = static_cast<uint32_t>(text.size());
  }
  static void set_stamp(Version& version, uint64_t stamp) noexcept { version.stamp_ = stamp; }
  static void set_previous(Version& version, const Version* previous) noexcept { version.previous_ = previous; }
  static void set_times(Version& version, int64_t push_time_ns, int64_t push_failure_time_ns) noexcept {
    version.push_time_ns_ = push_time_ns;
    version.push_failure_time_ns_ = push_failure_time_ns;
  }
  static void set_made_time(Version& version, int64_t made_time_ns) noexcept { version.made_time_ns_ = made_time_ns; }
  static void set_wipes(Version& version, uint32_t wipes) noexcept { version.wipes_ = wipes; }
  static void set_sums(Version& version, uint64_t series, uint64_t samples, uint64_t fragment_bytes) noexcept {
    version.series_ = series;
    version.samples_ = samples;
    version.fragment_bytes_ = fragment_bytes;
  }
  static void set_shared_blocks(Version& version, uint32_t count) noexcept { version.shared_blocks_ = count; }
  [[nodiscard]] static uint32_t shared_blocks(const Version& version) noexcept { return version.shared_blocks_; }
};

}  // namespace sluice::model
