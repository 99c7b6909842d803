#include "parser/text_parser.h"

#include "core/base/check.h"
#include "parser/simd/kernel.h"
#include "parser/text_exact.h"
#include "parser/text_fast.h"

namespace sluice::parser {

struct TextParser::State {
  explicit State(const simd::Kernel& kernel) noexcept : fast(kernel) {}

  FastTextParser fast;
  ExactTextParser exact;
  std::string_view body;
  NameScheme scheme = NameScheme::kLegacy;
  model::Families* families = nullptr;
  bool declined = false;
};

TextParser::TextParser() : TextParser(simd::active_kernel()) {}
TextParser::TextParser(const simd::Kernel& kernel) : state_(std::make_unique<State>(kernel)) {}
TextParser::~TextParser() = default;

void TextParser::start(std::string_view body, NameScheme scheme, model::Families& families) {
  state_->body = body;
  state_->scheme = scheme;
  state_->families = &families;
  state_->declined = false;
  state_->fast.start(body, families);
}

TextParser::Step TextParser::step(Deadline deadline) {
  SLUICE_DCHECK(state_->families != nullptr);
  if (!state_->declined) {
    switch (state_->fast.step(deadline)) {
      case FastTextParser::Step::kMore:
        return Step::kMore;
      case FastTextParser::Step::kDone:
        return Step::kDone;
      case FastTextParser::Step::kDeclined:
        state_->declined = true;
        state_->exact.start(state_->body, state_->scheme, *state_->families);
        if (deadline.passed()) return Step::kMore;
        break;
    }
  }
  switch (state_->exact.step(deadline)) {
    case ExactTextParser::Step::kMore:
      return Step::kMore;
    case ExactTextParser::Step::kDone:
      return Step::kDone;
    case ExactTextParser::Step::kError:
      break;
  }
  return Step::kError;
}

const TextError& TextParser::error() const noexcept { return state_->exact.error(); }
bool TextParser::used_exact() const noexcept { return state_->declined; }

}  // namespace sluice::parser
