// Every recorded text input, in both name schemes: the same families or the same error text as the reference.
#include <gtest/gtest.h>

#include "parser/text_exact.h"
#include "tests/parser/case_files.h"
#include "tests/parser/families_dump.h"

namespace sluice::parser::test {
namespace {

std::string outcome(ExactTextParser& parser, model::Families& families, std::string_view body, NameScheme scheme) {
  parser.start(body, scheme, families);
  ExactTextParser::Step step = ExactTextParser::Step::kMore;
  while (step == ExactTextParser::Step::kMore) step = parser.step(Deadline{0});
  return step == ExactTextParser::Step::kDone ? dump(families) : parser.error().text;
}

std::string expected(simdjson::dom::element oracle) {
  if (!oracle["ok"].get_bool().value()) return bytes_of(oracle["error"].value());
  return dump(array_of(oracle["families"]));
}

class RecordedCases : public testing::TestWithParam<const char*> {};

TEST_P(RecordedCases, GiveTheReferencesResult) {
  simdjson::dom::parser json;
  const auto document = load_cases(json, GetParam());
  if (!document) GTEST_SKIP() << "NOT RUN: no recorded cases beside the repository";
  ExactTextParser parser;
  model::Families families;
  size_t count = 0;
  for (simdjson::dom::element item : array_of((*document)["cases"])) {
    SCOPED_TRACE(std::string(item["id"].get_string().value()));
    // A copy of exactly that size, so that the sanitizers see a read beyond its end.
    const std::string input = decode_base64(item["input_b64"].get_string().value());
    const std::vector<char> body(input.begin(), input.end());
    const std::string_view view(body.data(), body.size());
    EXPECT_EQ(outcome(parser, families, view, NameScheme::kLegacy), expected(item["oracle"]["expfmt_legacy"].value()));
    EXPECT_EQ(outcome(parser, families, view, NameScheme::kUtf8), expected(item["oracle"]["expfmt_utf8"].value()));
    ++count;
  }
  EXPECT_EQ(count, static_cast<size_t>((*document)["count"].get_int64().value()));
}

INSTANTIATE_TEST_SUITE_P(All, RecordedCases,
                         testing::Values("expfmt_text_parse", "expfmt_edge_oracle", "expfmt_fuzz_corpus",
                                         "openmetrics_testdata", "prom_textparse", "client_python_parsers"),
                         [](const auto& param) { return std::string(param.param); });

}  // namespace
}  // namespace sluice::parser::test
