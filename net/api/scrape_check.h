// The duplicate pass of a scrape, needed only where pushes are not checked (--push.disable-consistency-check): whether
// what a snapshot would show is consistent, before its first byte is sent.
//
// The rules are those of the check of a push (prometheus.Gatherers of client_golang): one type for each family, no
// name that collides with the parts of a summary or histogram, no series twice, nothing that a push would have been
// refused for in itself. The first violation in the order of the families' names ends it.
//
// O(series) in time; 24 bytes for each series of the largest family. Sliced. One owner, one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/base/clock.h"
#include "core/base/hash.h"
#include "core/base/large_memory.h"
#include "core/model/version.h"
#include "core/render/family_merge.h"
#include "core/render/own_family.h"
#include "core/store/snapshot.h"
#include "parser/canonical_order.h"

namespace sluice::net::api {

class ScrapeCheck {
 public:
  enum class State : uint8_t {
    kMore,  // the deadline has passed
    kConsistent,
    kInconsistent,  // error() says why, in the reference's words
  };

  // The buckets are a snapshot's, held until the end.
  ScrapeCheck(std::span<const store::Snapshot::Bucket> buckets, std::span<const render::OwnFamily> own);

  [[nodiscard]] State step(Deadline deadline);
  [[nodiscard]] const std::string& error() const noexcept { return error_; }

 private:
  enum class Phase : uint8_t { kShapes, kFamily, kCount, kGather, kSort, kCompare, kDone };
  struct Series {
    uint64_t hash;
    const model::Version* version;
    uint32_t family;  // in the version's shape
    uint32_t index;   // in the fragment
  };
  // A place in the walk over the members of the family.
  struct Place {
    size_t member = 0;
    size_t chunk = 0;
    size_t index = 0;
  };

  void run_phase();
  void next_family();
  [[nodiscard]] bool types_are_good();
  [[nodiscard]] bool name_is_good();
  // The next fragment of the family; nullptr at the end. Sets `family` to its index in the shape.
  [[nodiscard]] const model::Version* next_version(uint32_t& family);
  void count();
  void gather();
  void sort();
  void compare();
  void collide(std::string_view name, std::string_view other, model::MetricType other_type);
  [[nodiscard]] model::Fragment fragment_of(const Series& series) const {
    return series.version->fragment(series.family);
  }

  std::span<const store::Snapshot::Bucket> buckets_;
  std::unordered_map<std::string, model::MetricType, KeyedHash, std::equal_to<>> own_;
  // Summaries and histograms that came so far: a name with a suffix sorts behind the name without.
  std::unordered_map<std::string_view, model::MetricType, KeyedHash> with_parts_;

  Phase phase_ = Phase::kShapes;
  uint32_t work_ = 0;
  render::FamilyMerge merge_;
  std::vector<render::FamilyMember> members_;
  std::string_view name_;
  model::MetricType type_ = model::MetricType::kUntyped;
  Place place_;
  uint64_t series_count_ = 0;
  LargeVector<Series> series_;
  parser::MergeSort::Items order_;
  parser::MergeSort sort_;
  size_t at_ = 0;
  std::string error_;
};

}  // namespace sluice::net::api
