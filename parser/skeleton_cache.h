// The skeletons of one worker: bodies that its pushes repeat, of fewer than limits::kSkeletonBodyBytesMax bytes.
//
// find() lends the skeleton that a body matches; learn() is told of every body that had none and was parsed, and may
// make one of it: of a body whose first line was seen before (of a protobuf body: whose first name and length were).
// skeleton_slots.h says when, and what a loan is. Loans must not outlive the cache. One owner, one thread.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/base/limits.h"
#include "core/model/canonical.h"
#include "core/model/group_key.h"
#include "parser/protobuf_parser.h"
#include "parser/simd/kernel.h"
#include "parser/skeleton_key.h"
#include "parser/skeleton_slots.h"
#include "parser/text_fast.h"

namespace sluice::parser {

class SkeletonCache {
 public:
  using Form = SkeletonForm;
  using Loan = SkeletonLoan;

  SkeletonCache() : SkeletonCache(simd::active_kernel()) {}
  explicit SkeletonCache(const simd::Kernel& kernel) : parser_(kernel) {}
  SkeletonCache(const SkeletonCache&) = delete;
  SkeletonCache& operator=(const SkeletonCache&) = delete;

  // What it lends has matched `body`; empty when nothing did.
  [[nodiscard]] Loan find(std::string_view body, Form form = Form::kText);
  // `body` had no skeleton; its parser took it, that of text without the exact parser.
  void learn(std::string_view body, Form form = Form::kText);
  // Skeleton::write_canonical() of what it has lent.
  [[nodiscard]] bool write_canonical(Loan& loan, const model::GroupKey& key, model::CanonicalPush& out) {
    return loan->write_canonical(key, out, text_);
  }

 private:
  SkeletonSlots<limits::kSkeletonsPerWorker, 64> slots_;
  FastTextParser parser_;
  ProtobufParser protobuf_parser_;
  SkeletonText::Scratch text_;
};

}  // namespace sluice::parser
