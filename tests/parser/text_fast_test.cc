// The text parser that net/api uses: with every kernel, sliced and not, the same as the exact parser alone.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

#include "parser/simd/kernel.h"
#include "parser/text_exact.h"
#include "parser/text_parser.h"
#include "tests/parser/case_files.h"
#include "tests/parser/fast_bodies.h"
#include "tests/parser/fast_families.h"

namespace sluice::parser::test {
namespace {

// Bodies end where an unreadable page begins, so that a read behind the end is a crash in every build.
class GuardedBody {
 public:
  explicit GuardedBody(std::string_view text) {
    const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    const size_t data_bytes = (text.size() + page) / page * page;
    bytes_ = data_bytes + page;
    base_ = static_cast<char*>(mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    EXPECT_NE(base_, MAP_FAILED);
    EXPECT_EQ(mprotect(base_ + data_bytes, page, PROT_NONE), 0);
    char* const at = base_ + data_bytes - text.size();
    std::memcpy(at, text.data(), text.size());
    view_ = {at, text.size()};
  }
  ~GuardedBody() { munmap(base_, bytes_); }
  GuardedBody(const GuardedBody&) = delete;
  GuardedBody& operator=(const GuardedBody&) = delete;
  [[nodiscard]] std::string_view view() const { return view_; }

 private:
  char* base_ = nullptr;
  size_t bytes_ = 0;
  std::string_view view_;
};

std::string exact_outcome(std::string_view body, NameScheme scheme) {
  ExactTextParser parser;
  model::Families families;
  parser.start(body, scheme, families);
  const ExactTextParser::Step step = parser.step(Deadline::never());
  return step == ExactTextParser::Step::kDone ? describe(families) : parser.error().text;
}

std::string outcome(TextParser& parser, model::Families& families, std::string_view body, NameScheme scheme,
                    Deadline slice) {
  parser.start(body, scheme, families);
  TextParser::Step step = TextParser::Step::kMore;
  while (step == TextParser::Step::kMore) step = parser.step(slice);
  return step == TextParser::Step::kDone ? describe(families) : parser.error().text;
}

class EachKernel : public ::testing::TestWithParam<size_t> {
 protected:
  void SetUp() override {
    const simd::KernelChoice& choice = simd::kernels()[GetParam()];
    if (!choice.supported) {
      GTEST_SKIP() << "NOT RUN: kernel " << choice.kernel.name << ": this CPU lacks " << choice.lacks;
    }
    parser_ = std::make_unique<TextParser>(choice.kernel);
  }

  // Parses `text` in both schemes, with and without slices, and compares with the exact parser.
  void check(std::string_view text) {
    const GuardedBody body(text);
    for (const NameScheme scheme : {NameScheme::kLegacy, NameScheme::kUtf8}) {
      const std::string expected = exact_outcome(body.view(), scheme);
      ASSERT_EQ(outcome(*parser_, families_, body.view(), scheme, Deadline::never()), expected);
      ASSERT_EQ(outcome(*parser_, families_, body.view(), scheme, Deadline{0}), expected);
    }
  }

  std::unique_ptr<TextParser> parser_;
  model::Families families_;
};

TEST_P(EachKernel, TakesCommonBodiesItself) {
  for (const NamedBody& body : fast_bodies()) {
    SCOPED_TRACE(std::string(body.name));
    check(body.text);
    EXPECT_FALSE(parser_->used_exact());
  }
}

TEST_P(EachKernel, LeavesTheRestToTheExactParser) {
  for (const NamedBody& body : declined_bodies()) {
    SCOPED_TRACE(std::string(body.name));
    check(body.text);
    EXPECT_TRUE(parser_->used_exact());
  }
}

TEST_P(EachKernel, RecordedCases) {
  size_t count = 0;
  for (const char* file : {"expfmt_text_parse", "expfmt_edge_oracle", "expfmt_fuzz_corpus", "openmetrics_testdata",
                           "prom_textparse", "client_python_parsers"}) {
    simdjson::dom::parser json;
    const auto document = load_cases(json, file);
    if (!document) continue;
    for (simdjson::dom::element item : array_of((*document)["cases"])) {
      SCOPED_TRACE(std::string(item["id"].get_string().value()));
      check(decode_base64(item["input_b64"].get_string().value()));
      ++count;
    }
  }
  if (count == 0) GTEST_SKIP() << "NOT RUN: recorded text inputs: they do not lie beside the repository";
}

TEST_P(EachKernel, GeneratedBodies) {
  for (const std::string& body :
       {gauges_body(10, 1), series_body(2000, 2), histograms_body(200, 3), mixed_body(3000, 4), mixed_body(3000, 5)}) {
    check(body);
    EXPECT_FALSE(parser_->used_exact());
  }
}

// Every length of a body around the ends of blocks and windows.
TEST_P(EachKernel, EveryLength) {
  const std::string body = mixed_body(400, 6);
  for (size_t bytes = 0; bytes < 400; ++bytes) check(std::string_view(body).substr(0, bytes));
  for (size_t bytes = 8192 - 140; bytes < 8192 + 140; ++bytes) {
    std::string cut = body.substr(0, bytes - 1);
    ASSERT_EQ(cut.size(), bytes - 1);
    check(cut + "\n");
  }
}

TEST_P(EachKernel, LongLines) {
  for (const size_t bytes : {8000, 8191, 8192, 8193, 16384, 40000, 65300, 65408, 65420, 65536, 200000}) {
    const std::string value(bytes, 'v');
    SCOPED_TRACE(bytes);
    check("before 1\nlong{v=\"" + value + "\"} 1\nbehind{v=\"w\"} 2\n");
    EXPECT_TRUE(parser_->used_exact() ? bytes > 65300 : bytes < 65536);
    check("# HELP long \"" + value + "\nlong 1\n");
    check("before 1\n# " + value);
    check(value + "{v=\"w\"} 1\n" + value + "{v=\"x\"} 2\n" + value + "w 3\n");
  }
}

TEST_P(EachKernel, ManyLabels) {
  for (const int count : {1, 63, 64, 65, 200}) {
    std::string line = "many{";
    for (int k = 0; k < count; ++k) line += "label_" + std::to_string(k) + "=\"v\",";
    line += "} 1\n";
    check(line + line + "many{label_0=\"v\"} 2\n");
    EXPECT_EQ(parser_->used_exact(), count > 64);
  }
}

TEST_P(EachKernel, MutatedBodies) {
  const uint64_t seed = std::random_device{}();
  printf("seed %lu\n", static_cast<unsigned long>(seed));
  std::mt19937_64 random(seed);
  size_t accepted = 0;
  for (int round = 0; round < 3000; ++round) {
    std::string body;
    switch (random() % 4) {
      case 0:
        body = gauges_body(3, random());
        break;
      case 1:
        body = histograms_body(1, random());
        break;
      case 2:
        body = fast_bodies()[random() % fast_bodies().size()].text;
        break;
      default:
        body = mixed_body(10, random());
        break;
    }
    body = mutated(std::move(body), random);
    check(body);
    if (HasFatalFailure()) FAIL() << "seed " << seed << " round " << round << "\n" << body;
    accepted += parser_->used_exact() ? 0 : 1;
  }
  EXPECT_GT(accepted, 100u);
  EXPECT_LT(accepted, 2900u);
}

// A slice ends: with a deadline in the past, a body of many windows takes many steps.
TEST_P(EachKernel, HandsTheThreadBack) {
  const std::string body = series_body(5000, 7);
  parser_->start(body, NameScheme::kLegacy, families_);
  size_t steps = 1;
  while (parser_->step(Deadline{0}) == TextParser::Step::kMore) ++steps;
  EXPECT_GT(steps, body.size() / 16384);
  EXPECT_FALSE(parser_->used_exact());
}

INSTANTIATE_TEST_SUITE_P(All, EachKernel, ::testing::Range(size_t{0}, simd::kernels().size()),
                         [](const auto& param) { return std::string(simd::kernels()[param.param].kernel.name); });

}  // namespace
}  // namespace sluice::parser::test
