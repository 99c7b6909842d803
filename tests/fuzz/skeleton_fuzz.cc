// Skeletons: what comes of a body by comparison with an earlier one is what parsing makes of it. An input is two bodies
// with a NUL between them.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "tests/parser/skeleton_pairs.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t nul = input.find('\0');
  if (nul == std::string_view::npos) return 0;
  const auto pair = sluice::parser::test::compare_by_skeleton(input.substr(0, nul), input.substr(nul + 1));
  if (pair.difference.empty()) return 0;
  std::fprintf(stderr, "DIFFERENCE: %s\n", pair.difference.c_str());
  std::abort();
}
