// The skeletons of one worker: bodies that its pushes repeat.
//
// find() lends the skeleton that a body matches; learn() is told of every body that had none and was parsed, and may
// make one of it. A skeleton is lent to one push at a time, which gives it back by destroying the loan, in any order;
// meanwhile the others parse. Loans must not outlive the cache. One owner, one thread.
//
// A fleet whose bodies never repeat must not pay: a skeleton is made of a body whose first line was seen before (of a
// protobuf body: whose first name and length were), and
// only if enough bodies have passed since the last one, twice as many each time that one is dropped which was of no
// use. A skeleton that is compared again and again without a match is dropped.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>

#include "core/base/limits.h"
#include "core/model/families.h"
#include "parser/protobuf_parser.h"
#include "parser/simd/kernel.h"
#include "parser/skeleton.h"
#include "parser/text_fast.h"

namespace sluice::parser {

class SkeletonCache {
 public:
  enum class Form : uint8_t { kText, kProtobuf };

  // What find() lends; empty when nothing matched. Move-only.
  class Loan {
   public:
    Loan() noexcept = default;
    Loan(Loan&& other) noexcept : cache_(other.cache_), slot_(other.slot_), skeleton_(std::move(other.skeleton_)) {}
    Loan& operator=(Loan&& other) noexcept;
    Loan(const Loan&) = delete;
    Loan& operator=(const Loan&) = delete;
    ~Loan() { give_back(); }

    explicit operator bool() const noexcept { return skeleton_ != nullptr; }
    // Those of the body that find() was given, as its parser makes them. They view that body, and live as long as this.
    [[nodiscard]] const model::Families& families() const { return skeleton_->families(); }
    // The same, but for the numbers: whoever does not need them saves reading them.
    [[nodiscard]] const model::Families& families_without_numbers() const noexcept {
      return skeleton_->families_without_numbers();
    }
    // Skeleton::write_canonical().
    [[nodiscard]] bool write_canonical(const model::GroupKey& key, model::CanonicalPush& out) {
      return skeleton_->write_canonical(key, out, cache_->text_);
    }
    void give_back() noexcept;

   private:
    friend class SkeletonCache;
    Loan(SkeletonCache& cache, uint32_t slot) noexcept;

    SkeletonCache* cache_ = nullptr;
    uint32_t slot_ = 0;
    std::unique_ptr<Skeleton> skeleton_;
  };

  SkeletonCache() : SkeletonCache(simd::active_kernel()) {}
  explicit SkeletonCache(const simd::Kernel& kernel) : parser_(kernel) {}
  SkeletonCache(const SkeletonCache&) = delete;
  SkeletonCache& operator=(const SkeletonCache&) = delete;

  [[nodiscard]] Loan find(std::string_view body, Form form = Form::kText);
  // `body` had no skeleton; its parser took it, that of text without the exact parser.
  void learn(std::string_view body, Form form = Form::kText);

 private:
  static constexpr uint32_t kSlots = limits::kSkeletonsPerWorker;
  static constexpr uint32_t kSeen = 64;

  struct Slot {
    std::unique_ptr<Skeleton> skeleton;  // nullptr: none, or lent
    bool lent = false;
    bool used = false;    // since the hand passed
    uint32_t hits = 0;    // since it was made, saturating
    uint32_t misses = 0;  // comparisons since the last hit
  };

  void drop(uint32_t index) noexcept;
  // Whether a body with this key had no skeleton before; from now on, yes.
  [[nodiscard]] bool was_seen(uint32_t key) noexcept;
  // A slot that may be filled, kSlots when all are lent.
  [[nodiscard]] uint32_t victim() noexcept;

  std::array<uint32_t, kSlots> keys_{};  // of slots; 0 for none
  std::array<Slot, kSlots> slots_;
  uint32_t hand_ = 0;
  uint32_t wait_ = 0;  // bodies until the next skeleton may be made
  uint32_t wait_next_ = 0;
  std::array<uint32_t, kSeen> seen_{};  // the last distinct keys of bodies without a skeleton
  uint32_t seen_at_ = 0;
  FastTextParser parser_;
  ProtobufParser protobuf_parser_;
  SkeletonText::Scratch text_;
};

}  // namespace sluice::parser
