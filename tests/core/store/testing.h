// What the store's tests share: pushes made from text by the real parser and canonicaliser, operations run to their
// end, and the store's contents as plain values.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/model/canonical.h"
#include "core/model/families.h"
#include "core/model/group_key.h"
#include "core/store/ops.h"
#include "core/store/snapshot.h"
#include "core/store/store.h"
#include "parser/skeleton.h"

namespace sluice::store::testing {

using Labels = std::vector<std::pair<std::string, std::string>>;

// `job` first, then further pairs.
[[nodiscard]] model::GroupKey key_of(const Labels& labels);

// A body with everything that was made of it. Not movable: views point into it.
struct Pushed {
  Pushed(const Labels& labels, std::string_view text);
  Pushed(const Pushed&) = delete;
  Pushed& operator=(const Pushed&) = delete;

  [[nodiscard]] PushRequest request(bool replace, int64_t wall_ns) const {
    return {key, families, push, replace, wall_ns};
  }

  std::string body;
  model::GroupKey key;
  model::Families families;
  model::CanonicalPush push;
  model::Conflict conflict;                    // of the push in itself
  std::shared_ptr<parser::Skeleton> skeleton;  // that `push` was written by, as bodies are that come again; or nullptr
};

// Contents: label text of the group, then the family's name, then "type|help|text".
struct GroupContent {
  int64_t push_time_ns = 0;
  int64_t push_failure_time_ns = 0;
  uint64_t stamp = 0;
  std::map<std::string, std::string> families;
};
using Contents = std::map<std::string, GroupContent>;
[[nodiscard]] Contents contents_of(const Snapshot& snapshot);

// Steps an operation until it is done, with a quiescent point after each step, and `between` called there.
template <typename Op, typename Between>
void finish(Op& op, Writer& writer, Between between) {
  for (;;) {
    const StepResult result = op.step(Deadline::in_ns(50'000));
    if (result == StepResult::kDone) return;
    writer.quiescent();
    between();
  }
}
template <typename Op>
void finish(Op& op, Writer& writer) {
  finish(op, writer, [] {});
}

// A writer with the operations as plain calls.
class Client {
 public:
  explicit Client(Store& store) : writer_(store) {}

  [[nodiscard]] Writer& writer() noexcept { return writer_; }

  // Expects the push to be consistent in itself.
  PushResult push(const Labels& labels, std::string_view text, bool replace, int64_t wall_ns = 1'000'000'000);
  PushResult put(const Labels& labels, std::string_view text, int64_t wall_ns = 1'000'000'000) {
    return push(labels, text, true, wall_ns);
  }
  PushResult post(const Labels& labels, std::string_view text, int64_t wall_ns = 1'000'000'000) {
    return push(labels, text, false, wall_ns);
  }
  PushResult fail(const Labels& labels, int64_t wall_ns = 1'000'000'000);
  EraseResult erase(const Labels& labels);
  uint64_t wipe();
  [[nodiscard]] SnapshotRef snapshot();
  [[nodiscard]] Contents contents();
  // Lets grace periods pass and frees what is free.
  void settle();

 private:
  Writer writer_;
};

// The value of the only sample of a family in a group, as text; empty when it is not there.
[[nodiscard]] std::string sample_of(const Contents& contents, const std::string& group, const std::string& family);

}  // namespace sluice::store::testing
