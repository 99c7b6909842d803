// Parses a body in text format 0.0.4 into model::Families: the parser that net/api uses.
//
// The fast parser (text_fast.h) takes bodies as client libraries write them; whatever it does not accept is parsed
// again from its first byte by the exact parser (text_exact.h), so results, errors and line numbers are always the
// reference's.
//
// A plain object of its owner, reused from push to push without allocating once its tables have grown; one thread.
// `body` must stay readable and unchanged until the last use of `families`, whose views point into it; nothing behind
// its end is ever read, so a network buffer needs no padding. `families` belongs to the caller, is cleared by start()
// and holds a valid result after kDone only.
//
// Cost: O(bytes of the body). step() looks at the clock every few kilobytes and before the first check has always
// consumed some, so a loop over step() ends under any deadline. Any bytes give kDone or kError; nothing else fails.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "core/base/clock.h"
#include "core/model/families.h"
#include "parser/names.h"

namespace sluice::parser {

namespace simd {
struct Kernel;
}

struct TextError;

class TextParser {
 public:
  enum class Step : uint8_t {
    kMore,   // the deadline has passed: call step() again
    kDone,   // `families` is complete
    kError,  // the body is malformed: error() says why; `families` is to be ignored
  };

  // With the process's kernel (simd::active_kernel()).
  TextParser();
  // With a given one, for tests and benches.
  explicit TextParser(const simd::Kernel& kernel);
  ~TextParser();
  TextParser(const TextParser&) = delete;
  TextParser& operator=(const TextParser&) = delete;

  // Begins a new body, abandoning an unfinished one.
  void start(std::string_view body, NameScheme scheme, model::Families& families);

  // Works until `deadline`. After kDone or kError only start() may follow.
  [[nodiscard]] Step step(Deadline deadline);

  // After kError: line and message in the reference's words. Valid until the next start().
  [[nodiscard]] const TextError& error() const noexcept;

  // Whether the last body needed the exact parser; for the counter and for tests.
  [[nodiscard]] bool used_exact() const noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sluice::parser
