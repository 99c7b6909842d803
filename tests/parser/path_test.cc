#include "parser/path.h"

#include <gtest/gtest.h>

namespace sluice::parser {
namespace {

struct Case {
  std::string_view from, to;
};

TEST(Path, Clean) {
  constexpr Case kCases[] = {
      {"", "/"},
      {"/", "/"},
      {"//", "/"},
      {"//metrics", "/metrics"},
      {"/./metrics", "/metrics"},
      {"/metrics/", "/metrics/"},
      {"/metrics/job/t//a/b", "/metrics/job/t/a/b"},
      {"/metrics/job/t/a/./", "/metrics/job/t/a/"},
      {"/metrics/job/t/a/../x", "/metrics/job/t/x"},
      {"/metrics/job/t/a/..", "/metrics/job/t"},
      {"/metrics/job/t/a/../", "/metrics/job/t/"},
      {"/metrics/job/../a", "/metrics/a"},
      {"/../../a", "/a"},
      {"/..", "/"},
      {"/a/...", "/a/..."},
      {"/a/.b", "/a/.b"},
      {"/metrics/job/t/a/%2e%2e", "/metrics/job/t/a/%2e%2e"},
      {"/metrics/job/t/a/%2F", "/metrics/job/t/a/%2F"},
      {"a/b", "/a/b"},
  };
  for (const Case& item : kCases) EXPECT_EQ(clean_path(item.from), item.to) << item.from;
}

TEST(Path, Encode) {
  EXPECT_EQ(encode_path("/aZ0-_.~$&+,/:;=@"), "/aZ0-_.~$&+,/:;=@");
  EXPECT_EQ(encode_path("/ %?#\"<>\\^`{|}!*'()[]"), "/%20%25%3F%23%22%3C%3E%5C%5E%60%7B%7C%7D%21%2A%27%28%29%5B%5D");
  EXPECT_EQ(encode_path("/\xff\u00e9"), "/%FF%C3%A9");
}

}  // namespace
}  // namespace sluice::parser
