// Skeletons: what comes of a body by comparison with an earlier one is what parsing and the canonicaliser make of it.
// An input is two bodies, or the paths of two grouping keys and two bodies, with a NUL between each; or 0xff, the
// length of the first body in two bytes, and two protobuf bodies.
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "parser/grouping_key.h"
#include "parser/names.h"
#include "tests/parser/skeleton_pairs.h"

namespace sluice::parser {
namespace {

test::SkeletonPair compare_protobuf(std::string_view input) {
  if (input.size() < 3) return {};
  const size_t bytes = static_cast<unsigned char>(input[1]) | size_t{static_cast<unsigned char>(input[2])} << 8;
  input.remove_prefix(3);
  const model::GroupKey key = model::GroupKey::from_labels({{"job", "t"}, {"instance", "i"}});
  const std::string_view first = input.substr(0, bytes);
  return test::compare_protobuf_by_skeleton(first, key, input.substr(first.size()), key);
}

test::SkeletonPair compare_both(std::string_view first, const model::GroupKey& first_key, std::string_view second,
                                const model::GroupKey& second_key) {
  const test::SkeletonPair large = test::compare_by_large_skeleton(first, first_key, second, second_key);
  return large.difference.empty() ? test::compare_by_skeleton(first, first_key, second, second_key) : large;
}

test::SkeletonPair compare(std::string_view input) {
  if (!input.empty() && input.front() == '\xff') return compare_protobuf(input);
  std::array<std::string_view, 4> parts;
  size_t count = 0;
  while (count + 1 < parts.size()) {
    const size_t nul = input.find('\0');
    if (nul == std::string_view::npos) break;
    parts[count++] = input.substr(0, nul);
    input.remove_prefix(nul + 1);
  }
  parts[count++] = input;
  static const model::GroupKey key = model::GroupKey::from_labels({{"job", "t"}, {"instance", "i"}});
  if (count == 2) return compare_both(parts[0], key, parts[1], key);
  if (count != 4) return {};
  const auto first = parse_grouping_key(parts[0], false, NameScheme::kLegacy);
  const auto second = parse_grouping_key(parts[1], false, NameScheme::kLegacy);
  if (!first.has_value() || !second.has_value()) return {};
  return compare_both(parts[2], *first, parts[3], *second);
}

}  // namespace
}  // namespace sluice::parser

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto pair = sluice::parser::compare({reinterpret_cast<const char*>(data), size});
  if (pair.difference.empty()) return 0;
  std::fprintf(stderr, "DIFFERENCE: %s\n", pair.difference.c_str());
  std::abort();
}
