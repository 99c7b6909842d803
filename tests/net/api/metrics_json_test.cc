// The body of /api/v1/metrics out of a real store: the same bytes in any pieces, and JSON that simdjson reads.
#include "net/api/metrics_json.h"

#include <gtest/gtest.h>
#include <simdjson.h>

#include <memory>
#include <string>
#include <utility>

#include "net/api/gateway.h"
#include "net/api/push.h"
#include "net/api/status_json.h"

namespace sluice::net::api {
namespace {

class MetricsJson : public testing::Test {
 protected:
  MetricsJson() : gateway_(GatewayOptions{}) { context_.writer = std::make_unique<store::Writer>(gateway_.store()); }
  ~MetricsJson() override { context_.writer.reset(); }

  int push(std::vector<model::LabelPair> key, std::string_view body) {
    http::Exchange exchange;
    exchange.request.method = http::Method::kPost;
    exchange.request.body = body;
    PushState state(context_, model::GroupKey::from_labels(std::move(key)), monotonic_ns());
    while (state.step(exchange, Deadline::never()) != http::Handler::StepAction::kDone) context_.writer->quiescent();
    return exchange.response.status;
  }

  // The whole body, produced into buffers of `capacity` bytes; `slice_ns` 0 stops after each piece of work.
  std::string body(size_t capacity, int64_t slice_ns) {
    MetricsJsonSource source(context_);
    std::string out;
    std::string buffer(capacity, '?');
    for (size_t calls = 0; calls < 10'000'000; ++calls) {
      http::OutBuffer piece{buffer.data(), capacity, 0};
      const Deadline deadline = slice_ns < 0 ? Deadline::never() : Deadline::in_ns(slice_ns);
      const auto state = source.produce(piece, deadline);
      out.append(buffer, 0, piece.used);
      context_.writer->quiescent();
      if (state == http::BodySource::State::kDone) return out;
    }
    return "no end";
  }

  Gateway gateway_;
  WorkerContext& context_ = gateway_.context(0);
};

// `group`: an element or an object.
template <typename Node>
std::string_view string_at(const Node& group, std::string_view pointer) {
  std::string_view text;
  EXPECT_EQ(group.at_pointer(pointer).get(text), simdjson::SUCCESS) << pointer;
  return text;
}

TEST_F(MetricsJson, NoGroups) { EXPECT_EQ(body(100, -1), R"({"status":"success","data":[]})"); }

TEST_F(MetricsJson, KeysAreSortedAndFamiliesTakeThePlaceOfTheRest) {
  ASSERT_EQ(push({{"job", "j"}, {"zone", "<eu>"}}, "A 1\nlabels 2\nlast 3\n# HELP z \\\\ h\nz 4\n"), 200);
  std::string text = body(1000, -1);
  simdjson::dom::parser parser;
  simdjson::dom::element answer;
  ASSERT_EQ(parser.parse(text).get(answer), simdjson::SUCCESS) << text;
  simdjson::dom::element group;
  simdjson::dom::object fields;
  ASSERT_EQ(answer.at_pointer("/data/0").get(group), simdjson::SUCCESS);
  ASSERT_EQ(group.get(fields), simdjson::SUCCESS);
  std::string keys;
  for (const auto field : fields) keys += std::string(field.key) + " ";
  EXPECT_EQ(keys, "A labels last last_push_successful push_failure_time_seconds push_time_seconds z ");
  EXPECT_EQ(string_at(group, "/labels/metrics/0/value"), "2");
  EXPECT_EQ(string_at(group, "/z/help"), "\\ h");
  EXPECT_EQ(string_at(group, "/push_time_seconds/metrics/0/labels/zone"), "<eu>");
  EXPECT_EQ(string_at(group, "/push_failure_time_seconds/metrics/0/value"), "0");
  EXPECT_NE(text.find(R"("zone":"\u003ceu\u003e")"), std::string::npos) << text;
}

TEST_F(MetricsJson, TimeStampsTellWhichPushItWas) {
  ASSERT_EQ(push({{"job", "failed"}}, "x 1 1\n"), 400);
  ASSERT_EQ(push({{"job", "failed"}}, "x 1 1\n"), 400);
  simdjson::dom::parser parser;
  simdjson::dom::element group;
  const std::string first = body(1000, -1);
  ASSERT_EQ(parser.parse(first).at_pointer("/data/0").get(group), simdjson::SUCCESS);
  // Of a time that never was: when the group was made.
  const std::string made(string_at(group, "/push_time_seconds/time_stamp"));
  EXPECT_NE(string_at(group, "/push_failure_time_seconds/time_stamp"), made);
  bool successful = true;
  EXPECT_EQ(group.at_pointer("/last_push_successful").get(successful), simdjson::SUCCESS);
  EXPECT_FALSE(successful);
  ASSERT_EQ(push({{"job", "failed"}}, "x 1\n"), 200);
  const std::string second = body(1000, -1);
  ASSERT_EQ(parser.parse(second).at_pointer("/data/0").get(group), simdjson::SUCCESS);
  EXPECT_EQ(string_at(group, "/push_time_seconds/time_stamp"), string_at(group, "/x/time_stamp"));
  EXPECT_NE(string_at(group, "/push_time_seconds/time_stamp"), made);
  EXPECT_EQ(group.at_pointer("/last_push_successful").get(successful), simdjson::SUCCESS);
  EXPECT_TRUE(successful);
}

TEST_F(MetricsJson, AnyPiecesAreTheSameBytes) {
  std::string many = "# TYPE h histogram\n";
  for (int i = 0; i < 300; ++i) many += "h_bucket{le=\"" + std::to_string(i) + "\"} " + std::to_string(i) + "\n";
  for (int i = 0; i < 200; ++i) many += "v{i=\"" + std::to_string(i) + "\"} 1\n";
  for (const char* job : {"a", "b", "c"}) ASSERT_EQ(push({{"job", job}}, many), 200);
  ASSERT_EQ(push({{"job", "d"}}, "x{l=\"" + std::string(60'000, '<') + "\"} -0\n"), 200);
  const std::string whole = body(1'000'000, -1);
  simdjson::dom::parser parser;
  EXPECT_EQ(parser.parse(whole).error(), simdjson::SUCCESS);
  EXPECT_EQ(body(1, -1), whole);
  EXPECT_EQ(body(777, 0), whole);
  EXPECT_EQ(body(128 * 1024, 20'000), whole);
}

TEST(StatusJson, IsSortedAndReadable) {
  GatewayOptions options;
  options.build = {"1.2.3", "abc", "amd64"};
  options.flags = {{"web.b", "<"}, {"log.a", "x\"y"}};
  const std::string text = status_json(options, 1'000'000'000);
  EXPECT_TRUE(text.starts_with(
      R"({"status":"success","data":{"build_information":{"branch":"","buildDate":"","buildUser":"","goVersion":"",)"
      R"("revision":"abc","version":"1.2.3"},"flags":{"log.a":"x\"y","web.b":"\u003c"},"start_time":"1970-01-01T)"))
      << text;
  simdjson::dom::parser parser;
  EXPECT_EQ(parser.parse(text).error(), simdjson::SUCCESS);
}

}  // namespace
}  // namespace sluice::net::api
