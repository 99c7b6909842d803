// The check for duplicate series across the groups of one job, for jobs with several sets of grouping label names.
//
// A series of this push that another group contains as well carries all labels of that group's key. So for each other
// set of names, the labels of each pushed series that bear these names spell the only key it could collide with: that
// one group is looked up, and the label hashes of the families that both have are compared. For a set within the names
// of the push's own key that is the same group for every series: one look-up. Equal hashes are verified on the text.
//
// Runs with the job's lock held, so no other group of the job gains a series meanwhile; that is why it may be sliced.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "core/base/clock.h"
#include "core/model/canonical.h"
#include "core/model/group_key.h"
#include "core/model/version.h"
#include "core/store/group.h"
#include "core/store/name_sets.h"
#include "core/store/ops.h"

namespace sluice::store {

class SeriesProbe {
 public:
  enum class State : uint8_t { kClean, kDuplicate, kAgain };

  // `request` must stay valid until the end. `own` is the set of the push's group.
  void start(const PushRequest& request, const NameSet& own);
  // The caller holds the lock of own.job(). kDuplicate: see conflict().
  [[nodiscard]] State step(const GroupMap& groups, Deadline deadline);
  [[nodiscard]] const model::Conflict& conflict() const noexcept { return conflict_; }

 private:
  // Hashes of one family of the push, made when another group has the family too.
  struct FamilyHashes {
    std::unordered_map<uint64_t, uint32_t> series;  // hash to index in the fragment
    bool made = false;
  };

  [[nodiscard]] bool project_key(const NameSet& set);
  [[nodiscard]] bool project_series(const NameSet& set, const model::Metric& metric);
  [[nodiscard]] State probe_metrics(const NameSet& set, const GroupMap& groups, Deadline deadline);
  [[nodiscard]] bool probe_group(const GroupMap& groups);
  [[nodiscard]] bool compare_family(size_t family, const model::Fragment& theirs);
  [[nodiscard]] const FamilyHashes& hashes_of(size_t family);
  void report(size_t family, uint32_t series);

  const PushRequest* request_ = nullptr;
  const NameSet* own_ = nullptr;
  size_t set_at_ = 0;
  size_t metric_at_ = 0;
  std::vector<model::LabelPair> projected_;
  std::unordered_set<std::string> probed_;  // keys that were compared already
  std::vector<FamilyHashes> families_;
  model::Conflict conflict_;
};

// The label text (between the braces) of the series with this index in a fragment of the family `name`.
[[nodiscard]] std::string_view series_label_text(const model::Fragment& fragment, std::string_view name,
                                                 model::MetricType type, uint32_t series) noexcept;

}  // namespace sluice::store
