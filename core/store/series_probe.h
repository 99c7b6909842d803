// The check for duplicate series across the groups of one job, for jobs with several sets of grouping label names.
//
// A series of this push that another group contains as well carries all labels of that group's key. So for each other
// set of names, the labels of each pushed series that bear these names spell the only key it could collide with: that
// one group is looked up, and the label hashes of the families that both have are compared. For a set within the names
// of the push's own key that is the same group for every series: one look-up. Equal hashes are verified on the text.
//
// Runs with the job's lock held, so no other group of the job gains a series meanwhile; that is why it may be sliced. A
// version that is being compared is held across the steps: its group may lose it (a DELETE takes no lock), and then the
// verdict is that of the moment at which it was looked up.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/clock.h"
#include "core/model/canonical.h"
#include "core/model/group_key.h"
#include "core/model/version.h"
#include "core/store/group.h"
#include "core/store/name_sets.h"
#include "core/store/ops.h"
#include "core/store/series_index.h"
#include "core/store/series_text.h"

namespace sluice::store {

class WriterCore;

class SeriesProbe {
 public:
  enum class State : uint8_t { kClean, kDuplicate, kAgain };

  explicit SeriesProbe(WriterCore& writer) noexcept : writer_(writer) {}
  ~SeriesProbe() { stop(); }
  SeriesProbe(const SeriesProbe&) = delete;
  SeriesProbe& operator=(const SeriesProbe&) = delete;

  // `request` must stay valid until the end. `own` is the set of the push's group.
  void start(const PushRequest& request, const NameSet& own);
  // The caller holds the lock of own.job(). kDuplicate: see conflict(). Only kAgain may be followed by another step.
  [[nodiscard]] State step(Deadline deadline);
  [[nodiscard]] const model::Conflict& conflict() const noexcept { return conflict_; }
  // Gives back what it holds; no effect when nothing runs.
  void stop() noexcept;

 private:
  enum class Phase : uint8_t {
    kProject,     // the next group that the push may collide with
    kIndex,       // the push's series by hash, when there is such a group
    kFamilies,    // the next family that both have
    kSeries,      // its series over there
    kOurText,     // two hashes are equal: the labels of the push's series,
    kTheirText,   // and those of the other one
    kFindMetric,  // they are equal: the metric of the push that it was made of, for the error's text
  };
  enum class Next : uint8_t { kGoOn, kAgain, kClean, kDuplicate };

  [[nodiscard]] Next run(Deadline deadline);
  [[nodiscard]] Next project(Deadline deadline);
  [[nodiscard]] Next next_family(Deadline deadline);
  [[nodiscard]] Next compare_series(Deadline deadline);
  [[nodiscard]] Next compare_texts(Deadline deadline);
  [[nodiscard]] Next find_metric(Deadline deadline);

  [[nodiscard]] bool project_key(const NameSet& set);
  [[nodiscard]] bool project_series(const NameSet& set, const model::Metric& metric);
  [[nodiscard]] bool find_group();
  void hold() noexcept;
  void drop() noexcept;

  WriterCore& writer_;
  const PushRequest* request_ = nullptr;
  const NameSet* own_ = nullptr;
  Phase phase_ = Phase::kProject;

  size_t set_at_ = 0;
  size_t metric_at_ = 0;
  std::vector<model::LabelPair> projected_;
  AddressSet compared_;  // groups
  SeriesIndex index_;

  const model::Version* version_ = nullptr;  // that the push is compared with
  bool held_ = false;
  size_t family_at_ = 0;  // of the push
  const std::byte* theirs_ = nullptr;
  uint32_t series_at_ = 0;  // of their fragment
  uint32_t our_series_ = 0;
  SeriesText our_text_;
  SeriesText their_text_;
  uint32_t candidate_ = model::kNone;  // of find_metric()
  model::Conflict conflict_;
};

}  // namespace sluice::store
