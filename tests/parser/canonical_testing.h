// What the canonicaliser's tests share: a push as text in, the lines of its fragments out.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/model/canonical.h"
#include "core/model/families.h"
#include "core/model/group_key.h"
#include "parser/canonical.h"
#include "parser/names.h"
#include "parser/text_exact.h"

namespace sluice::parser {

inline model::GroupKey make_key(std::vector<model::LabelPair> labels) {
  return model::GroupKey::from_labels(std::move(labels));
}

// Parses `body`; false when the text is malformed.
inline bool parse_text(std::string_view body, NameScheme scheme, model::Families& families) {
  ExactTextParser parser;
  parser.start(body, scheme, families);
  auto step = ExactTextParser::Step::kMore;
  while (step == ExactTextParser::Step::kMore) step = parser.step(Deadline::never());
  return step == ExactTextParser::Step::kDone;
}

inline Canonicaliser::State canonicalise(Canonicaliser& canonicaliser, const model::Families& families,
                                         const model::GroupKey& key, model::CanonicalPush& push,
                                         Deadline deadline = Deadline::never()) {
  canonicaliser.begin(families, key, push);
  auto state = Canonicaliser::State::kMore;
  while (state == Canonicaliser::State::kMore) state = canonicaliser.step(deadline);
  return state;
}

// All sample lines, in order.
inline std::string text_of(const model::CanonicalPush& push) {
  std::string text;
  for (const model::CanonicalFamily& family : push.families) text += push.fragment(family).text();
  return text;
}

}  // namespace sluice::parser
