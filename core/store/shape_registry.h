// The shape registry: interning, and the cross-group check of types and suffixes.
//
// Invariant: the families of all registered shapes and the gateway's own families are consistent with one another: one
// type for each name, no suffix collision. A version is published only with a registered shape whose state is kAlive,
// read in the same step (without a quiescent point between the look and the compare-and-swap), so the stored groups are
// consistent too, and a push with an alive shape checks nothing.
//
// States of a registered shape:
//   kAlive      may be published.
//   kIdle       seems unused; after a grace period the collector removes it if it is. Whoever wants it meanwhile
//   revives
//               it under the lock.
//   kContested  an operation that holds the lock wants to register a shape that is inconsistent with this one. After a
//               grace period nobody publishes it any more and its count is exact: zero, and it is removed; else the
//               operation is a conflict and the shape is alive again.
//   kDead       removed; its memory stays until no version, operation or cache points to it.
// Counts are of published versions only, so an operation that fails in the end never shows in anybody's verdict.
//
// A shape may have 100,000 families, so whatever looks at all of them is done in slices, with the lock held across
// them. What an operation leaves unfinished (names to be entered or taken out) the registry keeps in order, and whoever
// takes the lock next first goes on with it: settle(). It stays right meanwhile, since nothing else happens in between.
//
// Threads: everything but the state and the usage is guarded by lock(), which is tried and never waited for.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/base/clock.h"
#include "core/base/hash.h"
#include "core/base/large_memory.h"
#include "core/model/canonical.h"
#include "core/model/shape.h"
#include "core/store/atomics.h"
#include "core/store/shape_usage.h"
#include "core/store/store.h"
#include "core/store/try_lock.h"

namespace sluice::store {

enum class ShapeState : uint32_t { kAlive, kIdle, kContested, kDead };

// A shape with its life. Shapes of versions are always of this class.
class ShapeRecord : public model::Shape {
 public:
  ShapeRecord(size_t families, size_t text_bytes, uint64_t id, uint64_t hash, unsigned writers)
      : Shape(families, text_bytes, id), usage(writers), hash_(hash) {}

  [[nodiscard]] static ShapeRecord& of(const model::Shape& shape) noexcept {
    return const_cast<ShapeRecord&>(static_cast<const ShapeRecord&>(shape));
  }
  [[nodiscard]] ShapeState state() const noexcept {
    // (1) seq_cst load, pairs with (2): a step that reads kAlive ends before the grace period that follows (2).
    return state_.load(std::memory_order_seq_cst);
  }
  [[nodiscard]] uint64_t hash() const noexcept { return hash_; }

  ShapeUsage usage;

 private:
  friend class ShapeRegistry;
  void set_state(ShapeState state) noexcept { state_.store(state, std::memory_order_seq_cst); }  // (2)

  const uint64_t hash_;
  Atomic<ShapeState> state_{ShapeState::kDead};
  // Guarded by the registry's lock.
  LargeVector<uint32_t> positions_;  // of each family in its name's list
  size_t index_ = 0;                 // in ShapeRegistry::records_, or graves_ once dead
  uint64_t grave_token_ = 0;         // grace period after its death
  bool listed_ = false;              // on one of the collector's lists
  bool leaving_ = false;             // dead, but not all of its names have been taken out
};

// A possible conflict of a list of families with what is registered.
struct ShapeConflict {
  uint32_t family = 0;  // index into the list
  model::ConflictKind kind = model::ConflictKind::kNoConflict;
  model::MetricType other_type = model::MetricType::kUntyped;
  std::string other_name;
  bool with_own = false;        // the other one is a family of the gateway itself
  ShapeRecord* with = nullptr;  // nullptr: a family of the gateway or of the list itself
  bool certain = false;         // `with` is nullptr, or some other group had it during the call
};

class ShapeRegistry {
 public:
  explicit ShapeRegistry(const Options& options);
  ~ShapeRegistry();
  ShapeRegistry(const ShapeRegistry&) = delete;
  ShapeRegistry& operator=(const ShapeRegistry&) = delete;

  [[nodiscard]] TryLock& lock() noexcept { return lock_; }
  // The shape without families; always alive.
  [[nodiscard]] ShapeRecord& empty_shape() noexcept { return *empty_; }
  // Grows whenever a shape dies: caches look at it before they use what they hold. Any thread.
  [[nodiscard]] uint64_t deaths() const noexcept {
    return deaths_.load(std::memory_order_acquire);  // (3) acquire load, pairs with (4).
  }
  [[nodiscard]] uint64_t shapes() const noexcept {
    return shapes_.load(std::memory_order_relaxed);
  }  // relaxed: a figure

  // ---- All of the following with lock() held ----

  // Goes on with what earlier holders of the lock have left. False: the slice is used up. Everything below but bury()
  // and insert() needs it to have said true since the last of these two.
  [[nodiscard]] bool settle(Deadline deadline);
  // The registered shape with this hash that is number `nth` of those, or nullptr. The caller compares the families,
  // and revive()s it if it wants it.
  [[nodiscard]] ShapeRecord* candidate(uint64_t hash, size_t nth) noexcept;
  void revive(ShapeRecord& record) noexcept;
  // Conflicts of the families marked in `checked` with registered shapes, own families and the list itself, in the
  // order of the list, up to and including the first certain one, added to `out`. Begins with the family `at`, and
  // moves it; false when the slice is used up. One published use of `base` (may be nullptr), that of the version being
  // replaced, does not count.
  [[nodiscard]] bool find_conflicts(std::span<const model::ShapeFamily> families, std::span<const uint8_t> checked,
                                    const ShapeRecord* base, std::vector<ShapeConflict>& out, size_t& at,
                                    Deadline deadline);
  // What stands against one more shape with families that its group did not have, if anything. Counts the families
  // whose names are not known if need be, from `at` on into `unknown`; nothing too when the slice is used up: `at` is
  // not behind the last family then.
  [[nodiscard]] std::optional<limits::Limit> limit_for(const limits::Values& values,
                                                       std::span<const model::ShapeFamily> families, size_t& at,
                                                       size_t& unknown, Deadline deadline) const noexcept;

  // A record that is not registered yet, its families to be appended.
  [[nodiscard]] std::unique_ptr<ShapeRecord> make(uint64_t hash, std::span<const model::ShapeFamily> families);
  // Registers it: it is alive when settle() has got so far. Must be consistent with all that are registered then.
  void insert(std::unique_ptr<ShapeRecord> record);
  // Between contest() and its end (restore() or bury()) the lock stays held.
  void contest(ShapeRecord& record) noexcept;
  void restore(ShapeRecord& record) noexcept;
  // Removes a contested or idle shape that no current version has.
  void bury(ShapeRecord& record) noexcept;

  // The collector, incremental: looks at `count` shapes and marks those idle that seem unused; buries those that were
  // marked before the last grace period and still are. Between calls the lock is free. Called with a few shapes at
  // every registration it keeps the unused ones to a fraction of the others. True: nothing is marked. `begin` makes a
  // token, `passed` says whether the grace period of a token is over.
  template <typename BeginGrace, typename GracePassed>
  [[nodiscard]] bool collect(size_t count, BeginGrace begin, GracePassed passed) {
    mark_idle(count);
    if (!waiting_.empty() && passed(waiting_token_)) bury_waiting();
    if (waiting_.empty() && !marked_.empty()) {
      waiting_.swap(marked_);
      waiting_token_ = begin();
    }
    sweep(count, begin, passed);
    return waiting_.empty() && marked_.empty();
  }
  // Dead shapes whose memory is still in use.
  [[nodiscard]] size_t graves() const noexcept { return graves_.size(); }

 private:
  struct Use {
    ShapeRecord* record;
    uint32_t family;
  };
  struct NameEntry {
    model::MetricType type = model::MetricType::kUntyped;
    bool own = false;
    std::vector<Use> uses;
  };
  // Many tables, so that one that grows is small: rehashing a million names takes a tenth of a second.
  class Names {
   public:
    [[nodiscard]] NameEntry* find(std::string_view name) noexcept {
      Part& part = part_of(name);
      const auto at = part.find(name);
      return at == part.end() ? nullptr : &at->second;
    }
    [[nodiscard]] const NameEntry* find(std::string_view name) const noexcept {
      return const_cast<Names*>(this)->find(name);
    }
    [[nodiscard]] NameEntry& find_or_add(std::string_view name) {
      if (NameEntry* known = find(name)) return *known;
      ++size_;
      return part_of(name)[std::string(name)];
    }
    void erase(std::string_view name) noexcept {
      Part& part = part_of(name);
      part.erase(part.find(name));
      --size_;
    }
    [[nodiscard]] size_t size() const noexcept { return size_; }

   private:
    using Part = std::unordered_map<std::string, NameEntry, KeyedHash, std::equal_to<>>;
    [[nodiscard]] Part& part_of(std::string_view name) noexcept { return parts_[keyed_hash(name) >> 56]; }
    std::array<Part, 256> parts_;
    size_t size_ = 0;
  };
  // Names of a record that are to be entered or taken out.
  struct Unfinished {
    ShapeRecord* record;
    std::unique_ptr<ShapeRecord> entering;  // nullptr: it is leaving
    size_t at = 0;
  };
  class ConflictScan;

  void mark_idle(size_t count);
  void bury_waiting();
  // Frees dead shapes that nothing points to, looking at `count`.
  template <typename BeginGrace, typename GracePassed>
  void sweep(size_t count, BeginGrace begin, GracePassed passed) {
    for (size_t i = 0; i < count && !graves_.empty(); ++i) {
      sweep_cursor_ = sweep_cursor_ + 1 < graves_.size() ? sweep_cursor_ + 1 : 0;
      ShapeRecord& record = *graves_[sweep_cursor_];
      if (record.grave_token_ == 0) record.grave_token_ = begin();
      if (!record.leaving_ && passed(record.grave_token_) && record.usage.unused()) drop_grave(sweep_cursor_);
    }
  }
  void drop_grave(size_t index) noexcept;
  void unregister(ShapeRecord& record) noexcept;
  void enter_name(ShapeRecord& record, uint32_t index);
  void take_out_name(ShapeRecord& record, uint32_t index) noexcept;
  void finish_insert(std::unique_ptr<ShapeRecord> record);

  // Fixed after construction.
  const unsigned writers_;
  const bool check_;
  // Shared.
  TryLock lock_;
  Atomic<uint64_t> deaths_{0};
  Atomic<uint64_t> shapes_{0};
  // Guarded by lock_.
  Names names_;
  std::deque<Unfinished> unfinished_;  // in this order
  std::unordered_multimap<uint64_t, ShapeRecord*> by_hash_;
  std::vector<std::unique_ptr<ShapeRecord>> records_;
  std::vector<std::unique_ptr<ShapeRecord>> graves_;
  std::vector<ShapeRecord*> marked_;   // idle since the present grace period began
  std::vector<ShapeRecord*> waiting_;  // idle since before it
  uint64_t waiting_token_ = 0;
  ShapeRecord* empty_ = nullptr;
  uint64_t next_id_ = 1;
  uint64_t bytes_ = 0;  // of registered shapes
  size_t mark_cursor_ = 0;
  size_t sweep_cursor_ = 0;
};

}  // namespace sluice::store
