// The canonicaliser: sliced and unsliced give the same push, and the canonical text is a fixed point, that is, parsed
// and made canonical again it gives the same bytes, but where a record has what the text loses; every fragment has its
// JSON. An input is a grouping key's path, a newline, and a body.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "core/base/clock.h"
#include "core/model/canonical.h"
#include "parser/canonical.h"
#include "parser/grouping_key.h"
#include "parser/text_exact.h"
#include "parser/text_parser.h"
#include "tests/fuzz/check_json.h"

namespace sluice::parser {
namespace {

constexpr const char* kTypes[] = {"counter", "gauge", "summary", "untyped", "histogram", "gaugehistogram"};

[[noreturn]] void differ(const char* what, std::string_view got, std::string_view wanted) {
  std::fprintf(stderr, "DIFFERENCE: %s\n--- wanted\n%.*s\n--- got\n%.*s\n", what, static_cast<int>(wanted.size()),
               wanted.data(), static_cast<int>(got.size()), got.data());
  std::abort();
}

Canonicaliser::State run(Canonicaliser& canonicaliser, Deadline slice) {
  Canonicaliser::State state = Canonicaliser::State::kMore;
  while (state == Canonicaliser::State::kMore) state = canonicaliser.step(slice);
  return state;
}

// The push as a body, and its layout checked on the way.
std::string text_of(const model::CanonicalPush& push) {
  std::string out;
  uint64_t series = 0;
  uint64_t samples = 0;
  std::string_view previous;
  for (const model::CanonicalFamily& family : push.families) {
    const model::Fragment fragment = push.fragment(family);
    const std::string_view text = fragment.text();
    if (family.name <= previous) differ("families are sorted and unique", family.name, previous);
    if (!text.ends_with('\n')) differ("a fragment ends with a newline", text, {});
    if (family.fragment_at + fragment.bytes() > push.used_bytes) differ("a fragment lies within the push", text, {});
    previous = family.name;
    series += fragment.header().series;
    samples += fragment.header().samples;
    out += "# TYPE ";
    out += family.name;
    out += " ";
    out += kTypes[static_cast<size_t>(family.type)];
    out += "\n";
    out += text;
  }
  if (series != push.series || samples != push.samples) differ("series and samples add up", out, {});
  return out;
}

}  // namespace

int fuzz_canonical(std::string_view input) {
  static TextParser parser;
  static Canonicaliser canonicaliser;
  static model::Families families;
  static model::CanonicalPush push;
  static model::CanonicalPush other;
  const size_t newline = input.find('\n');
  if (newline == std::string_view::npos) return 0;
  const auto key = parse_grouping_key(input.substr(0, newline), false, NameScheme::kLegacy);
  if (!key.has_value()) return 0;
  parser.start(input.substr(newline + 1), NameScheme::kLegacy, families);
  if (parser.step(Deadline::never()) != TextParser::Step::kDone) return 0;

  canonicaliser.begin(families, *key, push);
  const Canonicaliser::State state = run(canonicaliser, Deadline::never());
  const model::Conflict conflict = canonicaliser.conflict();
  canonicaliser.begin(families, *key, other);
  if (run(canonicaliser, Deadline{0}) != state) differ("sliced and unsliced end alike", "", "");
  if (state == Canonicaliser::State::kConflict) {
    const model::Conflict& again = canonicaliser.conflict();
    if (again.kind != conflict.kind || again.family != conflict.family || again.metric != conflict.metric ||
        again.other_name != conflict.other_name || again.label != conflict.label) {
      differ("sliced and unsliced find the same conflict", again.label, conflict.label);
    }
  }
  if (state != Canonicaliser::State::kDone) return 0;
  const std::string text = text_of(push);
  if (text_of(other) != text) differ("sliced and unsliced give the same text", text_of(other), text);
  bool exact_text = true;  // what the text loses, such as a count below zero, is in the record
  for (size_t i = 0; i < push.families.size(); ++i) {
    const std::string_view record = push.fragment(push.families[i]).record();
    const std::string_view twin = other.fragment(other.families[i]).record();
    if (record != twin) differ("sliced and unsliced give the same record", twin, record);
    exact_text = exact_text && record.empty();
  }
  check_json(push);

  static ExactTextParser exact;
  static model::Families reparsed;
  exact.start(text, NameScheme::kLegacy, reparsed);
  if (exact.step(Deadline::never()) != ExactTextParser::Step::kDone) {
    differ("canonical text parses", exact.error().text, text);
  }
  canonicaliser.begin(reparsed, *key, other);
  if (run(canonicaliser, Deadline::never()) != Canonicaliser::State::kDone) {
    differ("canonical text has no conflict", "", text);
  }
  if (exact_text && text_of(other) != text) differ("canonical text is a fixed point", text_of(other), text);
  return 0;
}

}  // namespace sluice::parser

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return sluice::parser::fuzz_canonical({reinterpret_cast<const char*>(data), size});
}
