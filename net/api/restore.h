// From a stored group back into the store: the way of a push, so that nothing can be restored that could not be pushed.
//
// Thread: one that has a Writer, before the workers start.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "core/base/result.h"
#include "core/store/store.h"
#include "core/wal/state_file.h"
#include "parser/skeleton_cache.h"

namespace sluice::net::api {

class PushScratch;

class Restore {
 public:
  // `check`: as for pushes.
  Restore(store::Writer& writer, bool check);
  ~Restore();
  Restore(const Restore&) = delete;
  Restore& operator=(const Restore&) = delete;

  // Families, their push times, the group's times. The error is why some of it was refused, as a push of it would be:
  // the rest of the group is restored.
  [[nodiscard]] Result<void, std::string> group(const wal::StoredGroup& group);

 private:
  using FamilyRun = std::span<const wal::StoredFamily>;

  // Families that were pushed at the same time, to the group whose labels these are.
  [[nodiscard]] Result<void, std::string> push(FamilyRun families, std::string_view label_text, int64_t push_time_ns);
  [[nodiscard]] Result<void, std::string> push_text(int64_t push_time_ns);
  [[nodiscard]] Result<void, std::string> push_parsed(const model::Families& parsed, int64_t push_time_ns);
  // Of scratch_->push, which is canonical.
  [[nodiscard]] Result<void, std::string> store(const model::Families& parsed, int64_t push_time_ns);
  [[nodiscard]] Result<void, std::string> parse_text(std::string_view body);
  void fail(int64_t push_failure_time_ns);
  void finish();

  store::Writer& writer_;
  bool check_;
  std::unique_ptr<PushScratch> scratch_;
  parser::SkeletonCache skeletons_;
  model::GroupKey key_;
  std::vector<wal::StoredFamily> by_time_;
  std::string text_;
  std::string records_;
};

}  // namespace sluice::net::api
