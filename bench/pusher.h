// What a worker has of the push path, for benches in the process: parser, canonicaliser, the store's writer, and the
// slices in which memory is released. One for each thread.
#pragma once

#include <string_view>

#include "core/base/clock.h"
#include "core/base/large_memory.h"
#include "core/model/canonical.h"
#include "core/model/families.h"
#include "core/model/group_key.h"
#include "core/store/ops.h"
#include "core/store/store.h"
#include "parser/canonical.h"
#include "parser/skeleton_large.h"
#include "parser/text_parser.h"

namespace sluice::bench {

class Pusher {
 public:
  explicit Pusher(store::Store& store) : writer_(store) {}

  // What comes before the store: nothing of it is shared. False when the body is refused.
  [[nodiscard]] bool read(std::string_view body, const model::GroupKey& key) {
    skeleton_.give_back();
    parser_.start(body, parser::NameScheme::kLegacy, families_);
    if (parser_.step(Deadline::never()) != parser::TextParser::Step::kDone) return false;
    canonicaliser_.begin(families_, key, push_);
    return canonicaliser_.step(Deadline::never()) == parser::Canonicaliser::State::kDone;
  }
  // The same of a large body, which is compared with the one before and learned from.
  [[nodiscard]] bool read_large(std::string_view body, const model::GroupKey& key) {
    skeleton_.give_back();
    skeleton_ = skeletons_.find(body);
    if (skeleton_ && skeleton_->step_match(Deadline::never()) == parser::SkeletonStep::kYes &&
        skeleton_->begin_write(key, push_, UINT64_MAX) &&
        skeleton_->step_write(push_, Deadline::never()) == parser::SkeletonStep::kYes) {
      skeletons_.note_match(skeleton_);
      return true;
    }
    if (!read(body, key)) return false;
    parser::LargeSkeletons::Lesson lesson = skeletons_.learn(body);
    while (lesson && !lesson.step(key, Deadline::never())) {
    }
    return true;
  }
  // A push with the turn that follows. False when it is refused.
  [[nodiscard]] bool push(std::string_view body, const model::GroupKey& key, bool replace = false) {
    return read(body, key) && store(key, families_, replace);
  }
  [[nodiscard]] bool push_large(std::string_view body, const model::GroupKey& key) {
    if (!read_large(body, key)) return false;
    return store(key, skeleton_ ? skeleton_->families_without_numbers() : families_, false);
  }

 private:
  [[nodiscard]] bool store(const model::GroupKey& key, const model::Families& parsed, bool replace) {
    op_.start(writer_, {key, parsed, push_, replace, wall_ns()});
    while (op_.step(Deadline::never()) != store::StepResult::kDone) writer_.quiescent();
    writer_.quiescent();
    if (releases_.pending() != 0) releases_.step(Deadline::never());
    return op_.result().status == store::PushStatus::kOk;
  }

  SlicedReleases releases_;
  store::Writer writer_;
  parser::LargeSkeletons skeletons_;
  parser::SkeletonLoan skeleton_;
  parser::TextParser parser_;
  parser::Canonicaliser canonicaliser_;
  model::Families families_;
  model::CanonicalPush push_;
  store::PushOp op_;
};

}  // namespace sluice::bench
