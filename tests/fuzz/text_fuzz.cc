// The text parser against itself: every kernel's index against every other's, and for each name scheme the fast parser
// with its fallback, unsliced and sliced, against the exact parser alone.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "parser/simd/kernel.h"
#include "parser/text_exact.h"
#include "parser/text_parser.h"
#include "tests/parser/fast_families.h"
#include "tests/parser/simd/avx512_emulated.h"
//
#include "parser/simd/avx512_block.h"
//
#include "parser/simd/index_blocks.h"

namespace sluice::parser {
namespace simd {
namespace {

IndexSummary index_avx512_emulated(const char* window, uint32_t blocks, uint16_t* out) noexcept {
  return index_blocks<Avx512Block>(window, blocks, out);
}

}  // namespace
}  // namespace simd

namespace {

const std::vector<simd::Kernel>& runnable_kernels() {
  static const std::vector<simd::Kernel> all = [] {
    std::vector<simd::Kernel> found;
    for (const simd::KernelChoice& choice : simd::kernels()) {
      if (choice.supported) found.push_back(choice.kernel);
    }
    found.push_back({"avx512_emulated", simd::index_avx512_emulated});
    return found;
  }();
  return all;
}

[[noreturn]] void differ(std::string_view who, const std::string& got, const std::string& wanted) {
  std::fprintf(stderr, "DIFFERENCE: %.*s\n--- exact\n%s\n--- got\n%s\n", static_cast<int>(who.size()), who.data(),
               wanted.c_str(), got.c_str());
  std::abort();
}

void compare_indexes(std::string_view body) {
  const size_t bytes = body.size() < simd::kWindowBytesMax ? body.size() : simd::kWindowBytesMax;
  const auto blocks = static_cast<uint32_t>((bytes + simd::kBlockBytes - 1) / simd::kBlockBytes);
  std::string padded(body.substr(0, bytes));
  padded.resize(size_t{blocks} * simd::kBlockBytes);
  static std::vector<uint16_t> first(simd::kWindowBytesMax + simd::kIndexSlack);
  static std::vector<uint16_t> other(simd::kWindowBytesMax + simd::kIndexSlack);
  const simd::IndexSummary wanted = simd::index_scalar(padded.data(), blocks, first.data());
  for (const simd::Kernel& kernel : runnable_kernels()) {
    const simd::IndexSummary got = kernel.index(padded.data(), blocks, other.data());
    if (got.entries != wanted.entries || got.high_bit != wanted.high_bit ||
        std::memcmp(first.data(), other.data(), got.entries * sizeof(uint16_t)) != 0) {
      differ(kernel.name, "another index", "");
    }
  }
}

std::string exact_outcome(std::string_view body, NameScheme scheme) {
  static ExactTextParser parser;
  static model::Families families;
  parser.start(body, scheme, families);
  if (parser.step(Deadline::never()) == ExactTextParser::Step::kDone) return test::describe(families);
  return parser.error().text;
}

std::string outcome(TextParser& parser, std::string_view body, NameScheme scheme, Deadline slice) {
  static model::Families families;
  parser.start(body, scheme, families);
  TextParser::Step step = TextParser::Step::kMore;
  while (step == TextParser::Step::kMore) step = parser.step(slice);
  return step == TextParser::Step::kDone ? test::describe(families) : parser.error().text;
}

}  // namespace

int fuzz_text(const uint8_t* data, size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  compare_indexes(body);
  static std::vector<std::unique_ptr<TextParser>> parsers;
  if (parsers.empty()) {
    for (const simd::Kernel& kernel : runnable_kernels()) parsers.push_back(std::make_unique<TextParser>(kernel));
  }
  // Every kernel has just given the same index, which is all that stage 2 sees of it; so the kernels take turns in
  // parsing, and an input costs four runs instead of four for each.
  size_t turn = size;
  for (const NameScheme scheme : {NameScheme::kLegacy, NameScheme::kUtf8}) {
    const std::string wanted = exact_outcome(body, scheme);
    for (const Deadline slice : {Deadline::never(), Deadline{0}}) {
      const size_t kernel = turn++ % parsers.size();
      const std::string got = outcome(*parsers[kernel], body, scheme, slice);
      if (got != wanted) differ(runnable_kernels()[kernel].name, got, wanted);
    }
  }
  return 0;
}

}  // namespace sluice::parser

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return sluice::parser::fuzz_text(data, size);
}
