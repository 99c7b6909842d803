// The protobuf parser and the canonicaliser behind it: sliced and unsliced give the same families or the same error,
// every view lies in the body, and the record of a family parses again to as many metrics of the same family.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "core/base/clock.h"
#include "core/model/canonical.h"
#include "parser/canonical.h"
#include "parser/conflict_text.h"
#include "parser/protobuf_parser.h"
#include "tests/fuzz/check_json.h"
#include "tests/parser/fast_families.h"

namespace sluice::parser {
namespace {

[[noreturn]] void differ(const char* what, const std::string& got, const std::string& wanted) {
  std::fprintf(stderr, "DIFFERENCE: %s\n--- wanted\n%s\n--- got\n%s\n", what, wanted.c_str(), got.c_str());
  std::abort();
}

std::string outcome(std::string_view body, Deadline slice, model::Families& families) {
  static ProtobufParser parser;
  parser.start(body, families);
  ProtobufParser::Step step = ProtobufParser::Step::kMore;
  while (step == ProtobufParser::Step::kMore) step = parser.step(slice);
  return step == ProtobufParser::Step::kDone ? "" : parser.error();
}

Canonicaliser::State canonicalise(Canonicaliser& canonicaliser, Deadline slice) {
  Canonicaliser::State state = Canonicaliser::State::kMore;
  while (state == Canonicaliser::State::kMore) state = canonicaliser.step(slice);
  return state;
}

// The record without its length; as a body it is a family with an empty name.
void check_record(model::Fragment fragment, model::MetricType type) {
  const std::string_view record = fragment.record();
  if (record.empty()) return;
  std::string body = "\x18";
  body += static_cast<char>(type);
  body += record;
  std::string delimited;
  for (size_t left = body.size();; left >>= 7) {
    delimited += static_cast<char>((left & 0x7f) | (left > 0x7f ? 0x80 : 0));
    if (left <= 0x7f) break;
  }
  delimited += body;
  static model::Families families;
  const std::string error = outcome(delimited, Deadline::never(), families);
  if (!error.empty()) differ("a record parses", error, "");
  if (families.metrics.size() != fragment.header().series) {
    differ("a record has every metric", std::to_string(families.metrics.size()),
           std::to_string(fragment.header().series));
  }
}

}  // namespace

int fuzz_protobuf(std::string_view body) {
  static model::Families families;
  static model::Families sliced;
  static Canonicaliser canonicaliser;
  static model::CanonicalPush push;
  static model::CanonicalPush other;
  static const model::GroupKey key = model::GroupKey::from_labels({{"job", "j"}, {"zone", "z"}});
  const std::string error = outcome(body, Deadline::never(), families);
  const std::string again = outcome(body, Deadline{0}, sliced);
  if (error != again) differ("sliced and unsliced fail alike", again, error);
  if (!error.empty()) return 0;
  const std::string wanted = test::describe(families);
  if (test::describe(sliced) != wanted) differ("sliced and unsliced", test::describe(sliced), wanted);

  canonicaliser.begin(families, key, push);
  const Canonicaliser::State state = canonicalise(canonicaliser, Deadline::never());
  if (state == Canonicaliser::State::kConflict) {
    if (conflict_text(canonicaliser.conflict(), families, key).empty()) differ("a conflict has a text", "", "");
  }
  canonicaliser.begin(families, key, other);
  if (canonicalise(canonicaliser, Deadline{0}) != state) differ("sliced and unsliced end alike", "", "");
  if (state != Canonicaliser::State::kDone) return 0;
  for (size_t i = 0; i < push.families.size(); ++i) {
    const model::Fragment fragment = push.fragment(push.families[i]);
    const model::Fragment twin = other.fragment(other.families[i]);
    if (fragment.text() != twin.text() || fragment.record() != twin.record()) {
      differ("sliced and unsliced give the same fragment", std::string(twin.text()), std::string(fragment.text()));
    }
    check_record(fragment, push.families[i].type);
  }
  check_json(push);
  return 0;
}

}  // namespace sluice::parser

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return sluice::parser::fuzz_protobuf({reinterpret_cast<const char*>(data), size});
}
