// The skeletons of one worker for large text bodies: what SkeletonCache is for small ones, in steps.
//
// find() lends a skeleton that `body` may match and begins the comparison; the caller goes on with
// Skeleton::step_match() and says how it ended: note_match(), or find_next(). Whoever has parsed a body without a match
// may take a Lesson. Loans and lessons must not outlive this. One owner, one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "core/base/clock.h"
#include "core/base/limits.h"
#include "core/model/group_key.h"
#include "parser/simd/kernel.h"
#include "parser/skeleton_slots.h"

namespace sluice::parser {

class LargeSkeletons {
 public:
  // A skeleton in the making. Empty when there is nothing to learn.
  class Lesson {
   public:
    Lesson() noexcept;
    Lesson(Lesson&& other) noexcept;
    Lesson& operator=(Lesson&& other) noexcept;
    Lesson(const Lesson&) = delete;
    Lesson& operator=(const Lesson&) = delete;
    ~Lesson();

    explicit operator bool() const noexcept { return owner_ != nullptr; }
    // True when it is over, whatever has come of it; the lesson is empty then. `key` is the same each time.
    [[nodiscard]] bool step(const model::GroupKey& key, Deadline deadline);

   private:
    friend class LargeSkeletons;
    Lesson(LargeSkeletons& owner, std::string_view body, uint32_t key);
    void end(bool made) noexcept;

    LargeSkeletons* owner_ = nullptr;
    uint32_t key_ = 0;
    std::unique_ptr<Skeleton> skeleton_;
    std::unique_ptr<Skeleton::Workshop> workshop_;
  };

  LargeSkeletons() : LargeSkeletons(simd::active_kernel()) {}
  explicit LargeSkeletons(const simd::Kernel& kernel) noexcept : kernel_(&kernel) {}
  LargeSkeletons(const LargeSkeletons&) = delete;
  LargeSkeletons& operator=(const LargeSkeletons&) = delete;

  // Empty when none may match. `body` stays as long as the comparison and what comes of it are used.
  [[nodiscard]] SkeletonLoan find(std::string_view body) { return find_from(body, 0); }
  // The same behind `other`, which did not match.
  [[nodiscard]] SkeletonLoan find_next(std::string_view body, SkeletonLoan other);
  void note_match(SkeletonLoan& loan) noexcept;

  // `body` had no skeleton, and the fast parser took it. Empty when none is to be made of it: then it is not to be
  // learned from. `body` stays until the lesson is over.
  [[nodiscard]] Lesson learn(std::string_view body);

  // Once a second: drops those that were not lent for limits::kSkeletonLargeSeconds.
  void age() noexcept;
  // Drops one that is not lent, if there is one: freeing it takes a slice.
  void drop_one() noexcept;

 private:
  static constexpr uint32_t kSlots = limits::kLargeSkeletonsPerWorker;
  static constexpr uint32_t kSeen = 16;

  [[nodiscard]] SkeletonLoan find_from(std::string_view body, uint32_t first_index);

  const simd::Kernel* kernel_;
  SkeletonSlots<kSlots, kSeen> slots_;
  bool learning_ = false;  // one lesson at a time
};

}  // namespace sluice::parser
