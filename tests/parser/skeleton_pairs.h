// Two bodies, the first remembered as a skeleton: what comes of the second by comparison must be what parsing makes of
// it. For the tests and the fuzzer of skeletons.
#pragma once

#include <random>
#include <string>
#include <string_view>

#include "core/model/group_key.h"

namespace sluice::parser::test {

struct SkeletonPair {
  bool kept = false;       // the first body became a skeleton
  bool matched = false;    // the second one is the first one but for numbers
  bool written = false;    // the canonical push of the second body came from the first one's
  std::string difference;  // empty, or what is wrong
};

// Both bodies are copied, so that a sanitizer sees what is read behind their ends.
[[nodiscard]] SkeletonPair compare_by_skeleton(std::string_view first, std::string_view second);
// The same with the groups that the bodies are pushed to: their canonical pushes as well.
[[nodiscard]] SkeletonPair compare_by_skeleton(std::string_view first, const model::GroupKey& first_key,
                                               std::string_view second, const model::GroupKey& second_key);

// The same as a large skeleton, in the shortest steps.
[[nodiscard]] SkeletonPair compare_by_large_skeleton(std::string_view first, const model::GroupKey& first_key,
                                                     std::string_view second, const model::GroupKey& second_key);

// The same for delimited protobuf.
[[nodiscard]] SkeletonPair compare_protobuf_by_skeleton(std::string_view first, const model::GroupKey& first_key,
                                                        std::string_view second, const model::GroupKey& second_key);

// A body of one of the kinds that skeletons meet; of random lines at most `lines`.
[[nodiscard]] std::string random_body(std::mt19937_64& random, int lines);

// `body` with some of the numbers at the ends of its sample lines replaced, mostly by numbers, common and rare, now and
// then by what is none.
[[nodiscard]] std::string renumbered(std::string_view body, std::mt19937_64& random);

}  // namespace sluice::parser::test
