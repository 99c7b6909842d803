// What a durable log hears of the store's mutations (core/wal implements it).
//
// One Journal belongs to one Writer, and to its thread. Every mutation of that writer asks begin() before it draws its
// stamp; if it may go on, append() or abandon() follows in the same step, before any quiescent point. So at any moment
// a writer has drawn at most one stamp that its journal has not been told of, and none while it is outside of begin()
// and append(): whoever has seen all journals outside, or with what they were told written, knows that nothing older
// than the stamp that it had seen before is missing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/model/canonical.h"
#include "core/model/version.h"

namespace sluice::store {

enum class ChangeKind : uint8_t {
  kPost,   // families of the same name replaced, others kept
  kPut,    // all families replaced
  kFail,   // push_failure_time_seconds only
  kErase,  // the group deleted, by DELETE or by a wipe
};

// A mutation that was published. Views are valid during the call.
struct Change {
  ChangeKind kind = ChangeKind::kPost;
  bool created = false;  // the group did not exist
  uint64_t stamp = 0;
  std::string_view label_text;                 // of the group: Version::label_text()
  const model::Version* version = nullptr;     // the new version; nullptr with kErase
  const model::CanonicalPush* push = nullptr;  // what was pushed; nullptr with kFail and kErase
};

class Journal {
 public:
  enum class Verdict : uint8_t {
    kAccept,  // append() or abandon() follows
    kPark,    // no room at present: another time, after a quiescent point
    kRefuse,  // the change cannot be made durable
  };

  Journal() = default;
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;
  virtual ~Journal() = default;

  // `bytes`: of the change's texts, at most.
  [[nodiscard]] virtual Verdict begin(size_t bytes) noexcept = 0;
  virtual void append(const Change& change) noexcept = 0;
  // Nothing was published: another mutation was faster, or the question was all.
  virtual void abandon() noexcept = 0;
};

}  // namespace sluice::store
