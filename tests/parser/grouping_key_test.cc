#include "parser/grouping_key.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "core/base/limits.h"
#include "parser/quote.h"
#include "tests/parser/case_files.h"

namespace sluice::parser::test {
namespace {

// The key as text, or the error.
std::string key_of(std::string_view path, bool job_is_base64 = false, NameScheme scheme = NameScheme::kLegacy) {
  const auto key = parse_grouping_key(path, job_is_base64, scheme);
  if (!key) return key.error();
  std::string out;
  for (size_t i = 0; i < key->label_count(); ++i) {
    out += std::string(key->label(i).name) + "=" + go_quoted(key->label(i).value) + " ";
  }
  return out;
}

TEST(GroupingKey, Pairs) {
  EXPECT_EQ(key_of("t"), "job=\"t\" ");
  EXPECT_EQ(key_of("t/"), "job=\"t\" ");
  EXPECT_EQ(key_of("t/b/1/a/2"), "a=\"2\" b=\"1\" job=\"t\" ");
  EXPECT_EQ(key_of("t/a/1/a/2"), "a=\"2\" job=\"t\" ");
  EXPECT_EQ(key_of("t/job/y"), "job=\"t\" ");
  EXPECT_EQ(key_of("t/a/"), "a=\"\" job=\"t\" ");
  EXPECT_EQ(key_of("t/instance/"), "job=\"t\" ");
  EXPECT_EQ(key_of("t/a/\xff"), "a=\"\\xff\" job=\"t\" ");
  EXPECT_EQ(key_of("t/a/#frag?x;y"), "a=\"#frag?x;y\" job=\"t\" ");
}

TEST(GroupingKey, Base64) {
  EXPECT_EQ(key_of("dGVzdC9qb2I=", true), "job=\"test/job\" ");
  EXPECT_EQ(key_of("t/a@base64/Zg"), "a=\"f\" job=\"t\" ");
  EXPECT_EQ(key_of("t/a@base64/Zg====="), "a=\"f\" job=\"t\" ");
  EXPECT_EQ(key_of("t/a@base64/===="), "a=\"\" job=\"t\" ");
  EXPECT_EQ(key_of("t/a@base64/Zm\r\n9v"), "a=\"foo\" job=\"t\" ");
  EXPECT_EQ(key_of("t/a@base64/-_-_"), "a=\"\\xfb\\xff\\xbf\" job=\"t\" ");
  EXPECT_EQ(key_of("t/a@base64/Zh"), "a=\"f\" job=\"t\" ");  // unused bits do not matter
}

TEST(GroupingKey, Errors) {
  EXPECT_EQ(key_of(""), "job name is required");
  EXPECT_EQ(key_of("=", true), "job name is required");
  EXPECT_EQ(key_of("t/a"), "odd number of components in label string \"/a\"");
  EXPECT_EQ(key_of("t/a//"), "odd number of components in label string \"/a//\"");
  EXPECT_EQ(key_of("t//x"), "improper label name \"\"");
  EXPECT_EQ(key_of("t/a=b/c"), "improper label name \"a=b\"");
  EXPECT_EQ(key_of("t/__x/y"), "improper label name \"__x\"");
  EXPECT_EQ(key_of("t/\u00e9/y"), "improper label name \"\u00e9\"");
  EXPECT_EQ(key_of("t/a@BASE64/y"), "improper label name \"a@BASE64\"");
  EXPECT_EQ(key_of("t/@base64/y"), "improper label name \"\"");
  EXPECT_EQ(key_of("t/foo@base64/Z"),
            "invalid base64 encoding for label foo=\"Z\": illegal base64 data at input byte 0");
  EXPECT_EQ(key_of("t/foo@base64/Zg=Zg"),
            "invalid base64 encoding for label foo=\"Zg=Zg\": illegal base64 data at input byte 2");
  EXPECT_EQ(key_of("Zm9vYmFyZ!/a", true),
            "invalid base64 encoding in job name \"foobar\": illegal base64 data at input byte 9");
  std::string many = "t";
  for (uint32_t i = 0; i < limits::kLabelsPerKeyMax; ++i) many += "/l" + std::to_string(i) + "/v";
  EXPECT_EQ(key_of(many), "more than 64 labels in the grouping key");
}

TEST(GroupingKey, Utf8Names) {
  const auto key = [](std::string_view path) { return key_of(path, false, NameScheme::kUtf8); };
  EXPECT_EQ(key("t/U__a_2e_b/1"), "a.b=\"1\" job=\"t\" ");
  EXPECT_EQ(key("t/U__a_2e_b@base64/Zg"), "a.b=\"f\" job=\"t\" ");
  EXPECT_EQ(key("t/a.b/1"), "a.b=\"1\" job=\"t\" ");
  EXPECT_EQ(key("t/U___/1"), "U___=\"1\" job=\"t\" ");
  EXPECT_EQ(key("t/U__/1"), "improper label name \"U__\"");
  EXPECT_EQ(key("t/a\xff/1"), "improper label name \"a\\xff\"");
  // The reference lets this one in, and every later scrape fails.
  EXPECT_EQ(key("t/U___5f__5f_x/1"), "improper label name \"U___5f__5f_x\"");
  EXPECT_EQ(key_of("t/U__a_2e_b/1"), "U__a_2e_b=\"1\" job=\"t\" ");
}

// parse_grouping_key in plain words: all components first, then one after the other, into a map.
std::string naive_key_of(const std::string& path, bool job_is_base64, NameScheme scheme) {
  std::vector<std::string> parts{""};
  for (const char c : path) {
    if (c == '/') {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  const auto decode = [](std::string text, std::string& out) {
    while (text.ends_with('=')) text.pop_back();
    const Base64Result result = decode_base64_url(text, out);
    return result.ok ? std::string() : ": illegal base64 data at input byte " + std::to_string(result.error_at);
  };
  std::string job = parts[0];
  if (job_is_base64) {
    const std::string error = decode(parts[0], job);
    if (!error.empty()) return "invalid base64 encoding in job name " + go_quoted(job) + error;
  }
  parts.erase(parts.begin());
  if (parts.size() == 1 && parts[0].empty()) parts.clear();
  if (parts.size() % 2 != 0) {
    return "odd number of components in label string " + go_quoted(path.substr(path.find('/')));
  }
  if (parts.size() / 2 >= limits::kLabelsPerKeyMax) return "more than 64 labels in the grouping key";
  std::map<std::string, std::string> labels;
  for (size_t i = 0; i < parts.size(); i += 2) {
    std::string name = parts[i];
    const bool is_base64 = name.ends_with("@base64");
    if (is_base64) name.resize(name.size() - 7);
    const std::string real = scheme == NameScheme::kUtf8 ? unescape_name(name) : name;
    if (!is_valid_label_name(real, scheme) || name.starts_with("__") || real.starts_with("__")) {
      return "improper label name " + go_quoted(name);
    }
    std::string value = parts[i + 1];
    if (is_base64) {
      const std::string error = decode(parts[i + 1], value);
      if (!error.empty()) {
        std::string text = "invalid base64 encoding for label " + name;
        text += "=" + go_quoted(parts[i + 1]);
        text += error;
        return text;
      }
    }
    labels[real] = value;
  }
  if (job.empty()) return "job name is required";
  labels["job"] = job;
  if (labels.contains("instance") && labels["instance"].empty()) labels.erase("instance");
  std::string out;
  for (const auto& [name, value] : labels) out += name + "=" + go_quoted(value) + " ";
  return out;
}

void compare_with_naive(const std::string& path) {
  for (const NameScheme scheme : {NameScheme::kLegacy, NameScheme::kUtf8}) {
    for (const bool job_is_base64 : {false, true}) {
      ASSERT_EQ(key_of(path, job_is_base64, scheme), naive_key_of(path, job_is_base64, scheme)) << path;
    }
  }
}

TEST(GroupingKey, EveryPathOfFewComponents) {
  const std::string pieces[] = {"",   "a",   "b",  "job", "instance", "a@base64",  "Zg=",
                                "Z!", "__x", "1x", "ÿ",   "é",        "U__a_2e_b", "U___5f__5f_x@base64"};
  constexpr size_t kPaths = 40'000;
  std::vector<std::string> paths{"t", "", "Zm9v", "Z"};
  for (size_t at = 0; at < paths.size(); ++at) {
    compare_with_naive(paths[at]);
    if (HasFatalFailure()) return;
    for (const std::string& piece : pieces) {
      if (paths.size() < kPaths) paths.push_back(paths[at] + "/" + piece);
    }
  }
}

TEST(GroupingKey, LongPathsOfManyComponents) {
  for (const size_t pairs : {3, 7, 8, 9, 62, 63, 64, 65, 200}) {
    std::string path = "t";
    for (size_t i = 0; i < pairs; ++i) path += "/n" + std::to_string(i * 7 % pairs) + "/v" + std::to_string(i);
    for (const char* end :
         {"", "/", "//", "/a", "/a/", "/n0/again", "/job/x", "/a@base64/!", "/__x/y", "/x@base64/Zg"}) {
      compare_with_naive(path + end);
      compare_with_naive("t/-/" + path.substr(1) + end);
      compare_with_naive("t/x@base64/!" + path.substr(1) + end);
      compare_with_naive("t/x@base64/Zm9v" + path.substr(1) + end);
    }
  }
}

std::string percent_decoded(std::string_view raw) {
  std::string out;
  for (size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] == '%') {
      out += static_cast<char>(std::stoi(std::string(raw.substr(i + 1, 2)), nullptr, 16));
      i += 2;
    } else {
      out += raw[i];
    }
  }
  return out;
}

// The recorded pushes and deletes: the error of the key is the recorded body, and where there is none, the recorded
// body is no error of a key either.
TEST(GroupingKey, Recorded) {
  simdjson::dom::parser json;
  const auto document = load_cases(json, "pushgateway_http");
  if (!document) GTEST_SKIP() << "NOT RUN: no recorded cases beside the repository";
  size_t errors = 0;
  size_t keys = 0;
  for (simdjson::dom::element item : array_of((*document)["cases"])) {
    SCOPED_TRACE(std::string(item["id"].get_string().value()));
    NameScheme scheme = NameScheme::kLegacy;
    for (simdjson::dom::element flag : array_of(item["flags"])) {
      if (flag.get_string().value() == "--push.enable-utf8-names") scheme = NameScheme::kUtf8;
    }
    for (simdjson::dom::element step : array_of(item["steps"])) {
      const std::string_view method = step["request"]["method"].get_string().value();
      std::string_view target = step["request"]["target"].get_string().value();
      int64_t status = 0;  // null where the reference closed the connection
      if (step["expect"]["status"].get(status) != simdjson::SUCCESS) continue;
      if (method == "GET" || (status != 200 && status != 202 && status != 400)) continue;
      const std::string path = percent_decoded(target.substr(0, target.find('?')));
      for (const bool base64 : {false, true}) {
        const std::string_view prefix = base64 ? "/metrics/job@base64/" : "/metrics/job/";
        if (!path.starts_with(prefix)) continue;
        const std::string key = key_of(std::string_view(path).substr(prefix.size()), base64, scheme);
        std::string_view body;
        if (step["expect"]["body"].get(body) != simdjson::SUCCESS) body = {};
        const bool failed = !parse_grouping_key(std::string_view(path).substr(prefix.size()), base64, scheme);
        EXPECT_TRUE(!failed || body == key + "\n") << target << ": " << key;
        EXPECT_TRUE(!failed || status == 400) << target << ": " << key;
        ++(failed ? errors : keys);
      }
    }
  }
  EXPECT_GT(errors, 15u);
  EXPECT_GT(keys, 150u);
}

}  // namespace
}  // namespace sluice::parser::test
