#include "parser/path.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

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

// What plain means, without haste; a query or an escape has its character.
bool is_clean(const std::string& path) {
  return path.starts_with('/') && path.find_first_of("%?") == std::string::npos && clean_path(path) == path;
}

TEST(Path, WhatIsPlainIsClean) {
  // Every path of up to five of these, in front of, behind and between letters so that they lie anywhere in a word.
  const std::string pieces[] = {"/", ".", "a", "..", "%41", "?", "\x80", "\xaf", "bc"};
  std::vector<std::string> middles{""};
  for (size_t at = 0; at < middles.size() && middles.size() < 20'000; ++at) {
    for (const std::string& piece : pieces) middles.push_back(middles[at] + piece);
  }
  size_t plain = 0;
  for (size_t at = 0; at < middles.size(); ++at) {
    const std::string fill(at % 19, 'x');
    for (const std::string& path : {middles[at], "/" + middles[at], "/" + fill + middles[at],
                                    "/" + fill + middles[at] + "y", "/" + middles[at] + fill + "/0123456"}) {
      ASSERT_TRUE(!is_plain_path(path) || is_clean(path)) << path;
      plain += is_plain_path(path) ? 1 : 0;
    }
  }
  EXPECT_GT(plain, 5'000u);
}

TEST(Path, EveryByteAtEveryPlaceOfAPlainPath) {
  for (size_t bytes = 1; bytes < 40; ++bytes) {
    for (size_t at = 0; at <= bytes; ++at) {
      for (int byte = 0; byte < 256; ++byte) {
        std::string path = "/" + std::string(bytes, 'a');
        path[at] = static_cast<char>(byte);
        // A slash at the end or anywhere in the middle is as good as a letter, and so is a dot that no slash precedes.
        const bool exact = bytes >= 8 && !(byte == '.' && at == 1);
        ASSERT_TRUE(is_plain_path(path) == is_clean(path) || !exact) << path;
        ASSERT_TRUE(!is_plain_path(path) || is_clean(path)) << path;
      }
    }
  }
}

TEST(Path, PathsOfPushesArePlain) {
  for (const char* path : {"/metrics/job/t", "/metrics/job/bench/instance/host-123", "/metrics/job/t/", "/0123456.",
                           "/metrics/job/t/instance/10.0.0.1:9100", "/metrics/job@base64/Zm9v=", "/p/a.../b.",
                           "/metrics/job/gr\xc3\xbcn/a/;#\"<>"}) {
    EXPECT_TRUE(is_plain_path(path)) << path;
  }
}

TEST(Path, Encode) {
  EXPECT_EQ(encode_path("/aZ0-_.~$&+,/:;=@"), "/aZ0-_.~$&+,/:;=@");
  EXPECT_EQ(encode_path("/ %?#\"<>\\^`{|}!*'()[]"), "/%20%25%3F%23%22%3C%3E%5C%5E%60%7B%7C%7D%21%2A%27%28%29%5B%5D");
  EXPECT_EQ(encode_path("/\xff\u00e9"), "/%FF%C3%A9");
}

}  // namespace
}  // namespace sluice::parser
