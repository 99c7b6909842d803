#include "tests/parser/fast_bodies.h"

#include <fmt/format.h>

namespace sluice::parser::test {
namespace {

constexpr NamedBody kFast[] = {
    {"empty", ""},
    {"newlines", "\n\n\n"},
    {"untyped", "a 1\n"},
    {"no_labels_in_braces", "a{} 1\n"},
    {"no_blank_behind_braces", "a{b=\"c\"}1\n"},
    {"tabs", "a\t1\na{b=\"c\"}\t\t2\n"},
    {"trailing_comma", "a{b=\"c\",} 1\n"},
    {"blank_behind_comma", "a{b=\"c\", d=\"e\"} 1\n"},
    {"colons", "a:b:c{d=\"e\"} 1\n:x 2\n"},
    {"gauge", "# TYPE a gauge\na{b=\"c\"} 1.5\n"},
    {"help", "# HELP a Some text.\n# TYPE a counter\na 1\n"},
    {"help_escapes", "# HELP a back\\\\slash, \\n and \\\"quote\\\"\na 1\n"},
    {"help_lone_quote", "# HELP a the 3\" disk\n# TYPE a gauge\na{b=\"c\",d=\"{},= \"} 1\na{b=\"d\"} 2\n"},
    {"help_not_utf8", "# HELP a \xff\xfe\na{b=\"\xc3\xa4\"} 1\n"},
    {"help_without_text", "# HELP a \n# HELP a later\na 1\n"},
    {"comments", "#\n# \n# anything \"goes\\ here\n#x\n# HELPER a b\n# HELP\n# TYPE \t\n"},
    {"tight_comment", "#HELP a text\n#TYPE a gauge\na 1\n"},
    {"wide_comment", "#  \tHELP \t a  two  blanks\na 1\n"},
    {"comments_only", "# HELP a text\n# TYPE b gauge\n"},
    {"value_escapes", "a{b=\"\\\\\",c=\"\\\"\",d=\"x\\ny\",e=\"\\\\\\\"\\\\n\"} 1\n"},
    {"structure_in_value", "a{b=\"}{,= #\",c=\"\"} 1\n"},
    {"utf8_value", "a{b=\"\xf0\x9f\x99\x82\"} 1\n"},
    {"timestamp", "a 1 1395066363000\na{b=\"c\"} 2 -5\na 3  \t 7\n"},
    {"numbers",
     "a 0\na -0\na 1e5\na 1E+05\na 1e-05\na .5\na 5.\na +1\na NaN\na nan\na +Inf\na -inf\na infinity\n"
     "a 0.1\na 0.30000000000000004\na 9007199254740993\na 18446744073709551616\na 1e22\na 1e23\na 1e-400\na 4.9e-324\n"
     "a 123456789012345678901234567890\na 1.7976931348623157e308\na 00000000000000000000000000001\n"},
    {"summary",
     "# TYPE s summary\ns{quantile=\"0.5\"} 1\ns{quantile=\"0.9\"} 2\ns_sum 3\ns_count 4\ns{a=\"b\",quantile=\"0.5\"} "
     "5\n"
     "s_count{a=\"b\"} 1.5\ns_sum{a=\"b\"} NaN\ns_bucket{le=\"1\"} 6\ns{le=\"1\"} 1\ns{quantile=\"NaN\"} 1\n"
     "s_count{x=\"y\"} -1\ns_count{x=\"z\"} 1e20\n"},
    {"histogram",
     "# TYPE h histogram\nh_bucket{le=\"0.1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 1.25\nh_count 2\n"
     "h_bucket{a=\"b\",le=\"1\",c=\"d\"} 3\nh_count{c=\"d\",a=\"b\"} 3\nh{a=\"x\"} 7\nh_bucket{quantile=\"1\"} 1\n"
     "h_bucket{le=\"NaN\"} 1\nh_count{le=\"2\"} 9\n"},
    {"suffix_before_type", "h_count 1\n# TYPE h histogram\nh_count 2\nh_sum 1\n"},
    {"help_of_a_part", "# TYPE h histogram\n# HELP h_count text\nh_bucket{le=\"1\"} 1\n"},
    {"interleaved", "a 1\nb{x=\"1\"} 1\na 2\nb{x=\"2\"} 2\nab 3\na 3\n"},
    {"prefix_names", "ab{x=\"1\"} 1\na{x=\"1\"} 1\nabc{x=\"1\"} 1\nab{x=\"2\"} 2\n"},
    {"long_names",
     "a_name_of_more_than_sixteen_bytes_a 1\na_name_of_more_than_sixteen_bytes_b "
     "1\na_name_of_more_than_sixteen_bytes_a "
     "2\na{a_label_of_more_than_sixteen_bytes_a=\"1\"} 1\na{a_label_of_more_than_sixteen_bytes_b=\"1\"} 2\n"},
    {"le_of_a_gauge", "# TYPE g gauge\ng{le=\"x\",quantile=\"y\"} 1\n"},
};

constexpr NamedBody kDeclined[] = {
    {"no_newline", "a 1"},
    {"no_newline_behind_comment", "a 1\n# comment"},
    {"blanks_at_the_end", "a 1\n  "},
    {"leading_blank", " a 1\n"},
    {"crlf", "a 1\r\n"},
    {"no_value", "a\n"},
    {"blank_and_no_value", "a \n"},
    {"blank_behind_value", "a 1 \n"},
    {"blank_behind_timestamp", "a 1 2 \n"},
    {"third_column", "a 1 2 3\n"},
    {"bad_number", "a 1x\n"},
    {"range", "a 1e309\n"},
    {"hex", "a 0x1p3\n"},
    {"underscore", "a 1_0\n"},
    {"minus_as_separator", "a-1\n"},
    {"blank_before_braces", "a {b=\"c\"} 1\n"},
    {"blank_around_equals", "a{b = \"c\"} 1\n"},
    {"blank_before_comma", "a{b=\"c\" ,d=\"e\"} 1\n"},
    {"quoted_name", "{\"a\",b=\"c\"} 1\n"},
    {"quoted_name_before_braces", "\"a\"{b=\"c\"} 1\n"},
    {"quoted_label", "a{\"b\"=\"c\"} 1\n"},
    {"quote_in_name", "a\"b\" 1\n"},
    {"backslash_in_name", "a\\b 1\n"},
    {"empty_braces", "{} 1\n"},
    {"missing_quote", "a{b=c} 1\n"},
    {"missing_close", "a{b=\"c} 1\n"},
    {"newline_in_value", "a{b=\"c\nd\"} 1\n"},
    {"backslash_newline_in_value", "a{b=\"c\\\nd\"} 1\n"},
    {"bad_escape", "a{b=\"\\x\"} 1\n"},
    {"bad_escape_in_help", "# HELP a \\x\n"},
    {"backslash_at_the_end_of_help", "# HELP a \\\na 1\n"},
    {"not_utf8", "a{b=\"\xc0\x80\"} 1\n"},
    {"not_utf8_name", "a\xff 1\n"},
    {"duplicate_label", "a{b=\"c\",b=\"d\"} 1\n"},
    {"duplicate_label_behind_others", "a{b=\"c\",c=\"\"} 1\na{c=\"c\",c=\"d\"} 1\n"},
    {"reserved_label", "a{__name__=\"c\"} 1\n"},
    {"label_with_colon", "a{b:c=\"d\"} 1\n"},
    {"label_with_digit", "a{1b=\"d\"} 1\n"},
    {"double_comma", "a{b=\"c\",,d=\"e\"} 1\n"},
    {"leading_comma", "a{,b=\"c\"} 1\n"},
    {"no_comma", "a{b=\"c\"d=\"e\"} 1\n"},
    {"no_brace", "a{b=\"c\" 1\n"},
    {"second_type", "# TYPE a gauge\n# TYPE a gauge\n"},
    {"type_behind_sample", "a 1\n# TYPE a gauge\n"},
    {"second_help", "# HELP a x\n# HELP a y\n"},
    {"upper_case_type", "# TYPE a GAUGE\na 1\n"},
    {"unknown_type", "# TYPE a gouge\na 1\n"},
    {"blank_behind_type", "# TYPE a gauge \na 1\n"},
    {"comment_name", "# TYPE 1a gauge\n"},
    {"name_without_text", "# TYPE a\na 1\n"},
    {"fractional_bucket", "# TYPE h histogram\nh_bucket{le=\"1\"} 1.5\nh_count 2\n"},
    {"negative_count", "# TYPE h histogram\nh_count -1\n"},
    {"bad_bound", "# TYPE h histogram\nh_bucket{le=\"x\"} 1\n"},
    {"bad_quantile", "# TYPE s summary\ns{quantile=\"\"} 1\n"},
    {"two_bounds", "# TYPE h histogram\nh_bucket{le=\"1\",le=\"2\"} 1\n"},
    {"nul", std::string_view("a\0b 1\n", 6)},
};

constexpr const char* kMethods[] = {"GET", "POST", "PUT", "DELETE"};

double number(std::mt19937_64& random) {
  switch (random() % 4) {
    case 0:
      return static_cast<double>(random() % 100000);
    case 1:
      return static_cast<double>(random() % 1000000) / 1000;
    case 2:
      return static_cast<double>(random() % (1ull << 50)) / 1e6;
    default:
      return static_cast<double>(random()) * 1e-19;
  }
}

}  // namespace

std::span<const NamedBody> fast_bodies() { return kFast; }
std::span<const NamedBody> declined_bodies() { return kDeclined; }

std::string gauges_body(int families, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::string out;
  for (int k = 0; k < families; ++k) {
    const std::string name = fmt::format("batch_job_metric_{}_seconds", k);
    fmt::format_to(std::back_inserter(out), "# TYPE {} gauge\n", name);
    fmt::format_to(std::back_inserter(out), "{}{{region=\"eu-west-{}\",function=\"worker-{}\",stage=\"prod\"}} {}\n",
                   name, random() % 4, random() % 1000, static_cast<double>(random() % 1000000) / 1000);
  }
  return out;
}

std::string series_body(int series, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::string out = "# HELP http_requests_in_flight Requests being served.\n# TYPE http_requests_in_flight gauge\n";
  for (int k = 0; k < series; ++k) {
    fmt::format_to(
        std::back_inserter(out),
        "http_requests_in_flight{{path=\"/api/v1/resources/{:06}\",method=\"{}\",instance=\"10.0.{}.{}:8080\"}} {}\n",
        k, kMethods[random() % 4], random() % 256, random() % 256, random() % 100000);
  }
  return out;
}

std::string histograms_body(int series, uint64_t seed) {
  std::mt19937_64 random(seed);
  static constexpr const char* kBounds[] = {"0.005", "0.01", "0.025", "0.05", "0.1", "0.25",
                                            "0.5",   "1",    "2.5",   "5",    "10",  "+Inf"};
  std::string out =
      "# HELP http_request_duration_seconds Time to answer.\n# TYPE http_request_duration_seconds histogram\n";
  for (int k = 0; k < series; ++k) {
    const std::string labels = fmt::format("path=\"/api/v1/resources/{:06}\",method=\"{}\"", k, kMethods[random() % 4]);
    uint64_t count = 0;
    for (const char* bound : kBounds) {
      count += random() % 100;
      fmt::format_to(std::back_inserter(out), "http_request_duration_seconds_bucket{{{},le=\"{}\"}} {}\n", labels,
                     bound, count);
    }
    fmt::format_to(std::back_inserter(out), "http_request_duration_seconds_sum{{{}}} {}\n", labels, number(random));
    fmt::format_to(std::back_inserter(out), "http_request_duration_seconds_count{{{}}} {}\n", labels, count);
  }
  return out;
}

std::string mixed_body(int lines, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::string out;
  for (int k = 0; k < lines; ++k) {
    const uint64_t name = random() % 40;
    switch (random() % 12) {
      case 0:
        fmt::format_to(std::back_inserter(out), "# HELP fresh_{} a \"lone quote and {} words\n", k, name);
        break;
      case 1:
        fmt::format_to(std::back_inserter(out), "# TYPE fresh_{} counter\nfresh_{} {}\n", k, k, number(random));
        break;
      case 2:
        fmt::format_to(std::back_inserter(out), "plain_{} {}\n", name, number(random));
        break;
      case 3:
        fmt::format_to(std::back_inserter(out), "labelled{{k{}=\"{}\",b=\"\\\\{}\\n\\\"\",}} {} {}\n", name % 3, name,
                       number(random), name, random() % 100000);
        break;
      case 4:
        fmt::format_to(std::back_inserter(out), "long_value{{v=\"{}\"}} {}\n", std::string(random() % 300, 'x'), name);
        break;
      case 5:
        fmt::format_to(std::back_inserter(out), "utf8{{v=\"\xc3\xa4\xe2\x82\xac{}\"}} {}\n", name, number(random));
        break;
      case 6:
        fmt::format_to(std::back_inserter(out), "# TYPE summary_{} summary\n", k);
        fmt::format_to(std::back_inserter(out),
                       "summary_{}{{quantile=\"0.5\"}} 1\nsummary_{}_sum 2\nsummary_{}_count 3\n", k, k, k);
        break;
      case 7:
        out += random() % 4 == 0 ? histograms_body(1, k).substr(0, 0) : "\n";
        break;
      case 8:
        fmt::format_to(std::back_inserter(out), "{}{{a=\"1\",b=\"2\"}} 1\n", std::string(1 + random() % 40, 'n'));
        break;
      case 9:
        fmt::format_to(std::back_inserter(out), "wide{{{}}} 1\n", [&] {
          std::string labels;
          for (uint64_t label = 0; label < random() % 30; ++label)
            labels += fmt::format("label_{}=\"{}\",", label, name);
          return labels;
        }());
        break;
      default:
        fmt::format_to(std::back_inserter(out), "common{{path=\"/{}\",method=\"{}\"}} {}\n", name, kMethods[name % 4],
                       number(random));
        break;
    }
  }
  return out;
}

std::string mutated(std::string body, std::mt19937_64& random) {
  static constexpr std::string_view kBytes = "\"\\\n{}=,# \t0123.eE+-aZ_:\r\xff\x80\xc3\xa4";
  for (uint64_t changes = 1 + random() % 3; changes != 0 && !body.empty(); --changes) {
    const size_t at = random() % body.size();
    switch (random() % 4) {
      case 0:
        body[at] = kBytes[random() % kBytes.size()];
        break;
      case 1:
        body.erase(at, 1 + random() % 3);
        break;
      case 2:
        body.insert(at, 1, kBytes[random() % kBytes.size()]);
        break;
      default:
        body.insert(at, body.substr(random() % body.size(), random() % 40));
        break;
    }
  }
  return body;
}

}  // namespace sluice::parser::test
