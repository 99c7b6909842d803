// The canonicaliser against the real gateway: for every recorded push, the sample lines that a scrape showed
// afterwards, or the kind of conflict in its 400. Skipped, with a word, where the recordings are not there;
// canonical_test.cc holds cases of the same kinds that always run.
#include <algorithm>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/render/escape_names.h"
#include "tests/parser/canonical_testing.h"
#include "tests/parser/case_files.h"

namespace sluice::parser {
namespace {

using model::ConflictKind;
using State = Canonicaliser::State;
using Inputs = std::map<std::string, std::string, std::less<>>;

// Cases whose outcome differs on purpose or needs more than this push.
bool is_left_out(std::string_view id, NameScheme scheme) {
  // A family of the process's own metrics with another type: the store's verdict, not the canonicaliser's.
  return id == "om-roundtrip" || id == "py-276" || (id.empty() && scheme == NameScheme::kUtf8);
}

Inputs load_inputs() {
  Inputs inputs;
  for (const char* file : {"expfmt_text_parse", "expfmt_fuzz_corpus", "expfmt_edge_oracle", "openmetrics_testdata",
                           "prom_textparse", "client_python_parsers"}) {
    simdjson::dom::parser parser;
    const auto document = test::load_cases(parser, file);
    if (!document) continue;
    for (const simdjson::dom::element entry : test::array_of((*document)["cases"])) {
      inputs.emplace(std::string(std::string_view(entry["id"])),
                     test::decode_base64(std::string_view(entry["input_b64"])));
    }
  }
  return inputs;
}

bool is_of_the_gateway(std::string_view line) {
  for (const std::string_view prefix :
       {"push_time_seconds{", "push_failure_time_seconds{", "go_", "process_", "pushgateway_", "promhttp_"}) {
    if (line.starts_with(prefix)) return true;
  }
  return false;
}

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    if (!is_of_the_gateway(text.substr(0, end))) lines.emplace_back(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  return lines;
}

ConflictKind kind_of(std::string_view message) {
  if (message.find("must not have timestamps") != message.npos) return ConflictKind::kTimestamp;
  if (message.find("collides with previously") != message.npos) return ConflictKind::kSuffixCollision;
  if (message.find("was collected before") != message.npos) return ConflictKind::kDuplicateSeries;
  if (message.find("label with an invalid name") != message.npos) return ConflictKind::kInvalidLabelName;
  return ConflictKind::kNoConflict;
}

struct Tally {
  int scrapes = 0;
  int conflicts = 0;
  int reordered = 0;
};

void check_scrape(const simdjson::dom::element& result, const model::CanonicalPush& push, Tally& tally) {
  std::string text;
  for (const model::CanonicalFamily& family : push.families) {
    render::append_escaped_text(push.fragment(family).text(), family.name, render::NameEscaping::kUnderscores, text);
  }
  std::vector<std::string> ours = lines_of(text);
  std::vector<std::string> theirs;
  if (result["scrape"].error() != simdjson::SUCCESS) return;  // one large input was recorded without its scrape
  for (const std::string_view line : test::array_of(result["scrape"])) {
    if (!line.starts_with('#') && !is_of_the_gateway(line)) theirs.emplace_back(line);
  }
  ++tally.scrapes;
  if (ours == theirs) return;
  // Metrics that sort equal have no order in the reference.
  ++tally.reordered;
  std::ranges::sort(ours);
  std::ranges::sort(theirs);
  EXPECT_EQ(ours, theirs);
}

void check(std::string_view id, NameScheme scheme, const simdjson::dom::element& result, const std::string& input,
           Tally& tally) {
  SCOPED_TRACE(std::string(id) + (scheme == NameScheme::kUtf8 ? " utf8" : " legacy"));
  const int64_t status = result["status"];
  std::string_view message;
  if (status != 200) {
    const auto body = result["body_ws_normalized"];
    message = body.error() == simdjson::SUCCESS ? std::string_view(body) : std::string_view(result["body"]);
    if (kind_of(message) == ConflictKind::kNoConflict) return;  // a text error: the parser's tests
  }
  model::Families families;
  ASSERT_TRUE(parse_text(input, scheme, families));
  const model::GroupKey key = make_key({{"job", "t"}});
  Canonicaliser canonicaliser;
  model::CanonicalPush push;
  const State state = canonicalise(canonicaliser, families, key, push);
  if (status == 200) {
    ASSERT_EQ(state, State::kDone);
    check_scrape(result, push, tally);
  } else {
    ++tally.conflicts;
    ASSERT_EQ(state, State::kConflict);
    EXPECT_TRUE(kind_of(message) == canonicaliser.conflict().kind || message.find("error(s) occurred") != message.npos)
        << message;
  }
}

TEST(CanonicalRecorded, EveryPushShowsWhatTheRealGatewayShowed) {
  simdjson::dom::parser parser;
  const auto document = test::load_cases(parser, "pushgateway_push_results");
  if (!document) GTEST_SKIP() << "NOT RUN: no recorded cases beside the repository";
  const Inputs inputs = load_inputs();
  Tally tally;
  for (const auto [id, variants] : simdjson::dom::object((*document)["results"])) {
    const auto input = inputs.find(id);
    ASSERT_NE(input, inputs.end()) << id;
    for (const auto [variant, result] : simdjson::dom::object(variants)) {
      const NameScheme scheme = variant == "utf8" ? NameScheme::kUtf8 : NameScheme::kLegacy;
      if (!is_left_out(id, scheme)) check(id, scheme, result, input->second, tally);
    }
  }
  std::printf("%d scrapes (%d in another order of equals), %d conflicts\n", tally.scrapes, tally.reordered,
              tally.conflicts);
  EXPECT_GT(tally.scrapes, 800);
  EXPECT_GT(tally.conflicts, 50);
}

}  // namespace
}  // namespace sluice::parser
