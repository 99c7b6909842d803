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
#include "parser/text_parser.h"

namespace sluice::bench {

class Pusher {
 public:
  explicit Pusher(store::Store& store) : writer_(store) {}

  // What comes before the store: nothing of it is shared. False when the body is refused.
  [[nodiscard]] bool read(std::string_view body, const model::GroupKey& key) {
    parser_.start(body, parser::NameScheme::kLegacy, families_);
    if (parser_.step(Deadline::never()) != parser::TextParser::Step::kDone) return false;
    canonicaliser_.begin(families_, key, push_);
    return canonicaliser_.step(Deadline::never()) == parser::Canonicaliser::State::kDone;
  }
  // A push with the turn that follows. False when it is refused.
  [[nodiscard]] bool push(std::string_view body, const model::GroupKey& key, bool replace = false) {
    if (!read(body, key)) return false;
    op_.start(writer_, {key, families_, push_, replace, wall_ns()});
    while (op_.step(Deadline::never()) != store::StepResult::kDone) writer_.quiescent();
    writer_.quiescent();
    if (releases_.pending() != 0) releases_.step(Deadline::never());
    return op_.result().status == store::PushStatus::kOk;
  }

 private:
  SlicedReleases releases_;
  store::Writer writer_;
  parser::TextParser parser_;
  parser::Canonicaliser canonicaliser_;
  model::Families families_;
  model::CanonicalPush push_;
  store::PushOp op_;
};

}  // namespace sluice::bench
