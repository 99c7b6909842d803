// What a client asks for by its fields: Accept, Accept-Encoding and Content-Type, whatever bytes come.
//
// The format that was chosen, said in an Accept field, is chosen again; blanks, empty ranges and ranges that nobody
// offers change nothing, nor do the order of Accept-Encoding fields and a coding with q=0. A Content-Type that is
// protobuf says so and stays it with another parameter behind it and in another case.
#include <algorithm>
#include <cctype>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "net/api/negotiate.h"
#include "parser/media_type.h"

namespace sluice::net::api {
namespace {

// Beyond so many ranges only q decides (net/api/negotiate.h).
constexpr size_t kRangesMax = 12;

void expect(bool holds, const char* what, std::string_view input) {
  if (holds) return;
  std::fprintf(stderr, "DIFFERENCE: %s\n%.*s\n", what, static_cast<int>(input.size()), input.data());
  std::abort();
}

std::string with_blanks(std::string_view accept) {
  std::string out = "  ";
  for (const char c : accept) {
    out += c == ',' ? " , " : c == ';' ? ";  " : std::string(1, c);
  }
  return out + " ";
}

void check_accept(std::string_view accept) {
  const ScrapeFormat format = negotiate_format(accept);
  expect(negotiate_format(content_type(format)) == format, "a format asks for itself", accept);
  expect(negotiate_format("," + std::string(accept) + ",,") == format, "empty ranges count for nothing", accept);
  expect(negotiate_format(with_blanks(accept)) == format, "blanks count for nothing", accept);
  const size_t ranges = 1 + static_cast<size_t>(std::count(accept.begin(), accept.end(), ','));
  const bool few = ranges < kRangesMax;
  expect(!few || negotiate_format(std::string(accept) + ",image/png;q=0") == format, "a range nobody offers", accept);
  const std::string more = std::string(content_type(format)) + ";q=0.5";
  const std::string less = "text/plain;version=0.0.4;q=0.4";
  expect(negotiate_format(more + "," + less) == format, "what is wanted more comes first", accept);
  expect(negotiate_format(less + "," + more) == format, "what is wanted more comes last", accept);
  if (few && format.kind == ScrapeFormat::Kind::kText) return;
  // Protobuf is never a guess.
  const bool asked = accept.find("vnd.google.protobuf") != std::string_view::npos;
  expect(asked || format.kind == ScrapeFormat::Kind::kText, "protobuf was asked for", accept);
}

bool wants_gzip(const std::vector<http::Header>& headers) {
  http::Request request;
  request.headers = headers;
  return negotiate_gzip(request);
}

void check_encodings(std::string_view first, std::string_view second) {
  const bool gzip = wants_gzip({{"Accept-Encoding", first}, {"accept-encoding", second}});
  expect(gzip == wants_gzip({{"Accept-Encoding", second}, {"ACCEPT-ENCODING", first}}), "the order of fields", first);
  const std::vector<http::Header> more = {{"Accept-Encoding", first},
                                          {"X", "gzip"},
                                          {"Accept-Encoding", "gzip;q=0, br"},
                                          {"Accept-Encoding", second},
                                          {"Accept-Encoding", first}};
  expect(gzip == wants_gzip(more), "fields that say nothing new", first);
  expect(gzip || !(wants_gzip({{"Accept-Encoding", first}}) && second.empty()), "one field alone", first);
  const auto names = [](std::string_view text) {
    return text.find("gzip") != std::string_view::npos || text.find('*') != std::string_view::npos;
  };
  expect(!gzip || names(first) || names(second), "gzip was asked for", first);
  const std::vector<http::Header> identity = {{"Accept-Encoding", first}, {"Accept-Encoding", "identity;q=1.9999999"}};
  expect(!wants_gzip(identity) || first.find("1.9999") != std::string_view::npos, "identity wins a tie", first);
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

void check_content_type(std::string_view type) {
  if (!parser::is_delimited_protobuf(type)) return;
  std::string_view media = type.substr(0, type.find(';'));
  const auto is_blank = [](char c) { return c == ' ' || (c >= '\t' && c <= '\r'); };
  while (!media.empty() && is_blank(media.front())) media.remove_prefix(1);
  while (!media.empty() && is_blank(media.back())) media.remove_suffix(1);
  expect(lower(media) == "application/vnd.google.protobuf", "protobuf is what the type says", type);
  std::string other(type);
  std::transform(other.begin(), other.begin() + static_cast<ptrdiff_t>(type.find(';')), other.begin(),
                 [](unsigned char c) { return std::toupper(c); });
  expect(parser::is_delimited_protobuf(other), "the case of the type", type);
  expect(parser::is_delimited_protobuf(" \t" + std::string(type)), "blanks before the type", type);
  // A name that the input has as well could be there with another value.
  if (type.find("zz") != std::string_view::npos || type.find("ZZ") != std::string_view::npos) return;
  const bool ends_in_parameter = !type.ends_with(';') && !is_blank(type.back());
  expect(!ends_in_parameter || parser::is_delimited_protobuf(std::string(type) + "; zzz=1"), "a parameter more", type);
  // Plainly written, the values are there to be seen; else they are escaped or in pieces.
  if (type.find_first_of("*\\") != std::string_view::npos) return;
  expect(type.find("io.prometheus.client.MetricFamily") != std::string_view::npos, "the message's name", type);
  expect(type.find("delimited") != std::string_view::npos, "the encoding", type);
}

}  // namespace

int fuzz_accept(std::string_view input) {
  check_accept(input);
  const size_t half = input.find('\n');
  const std::string_view second = half == std::string_view::npos ? std::string_view() : input.substr(half + 1);
  check_encodings(input.substr(0, half), second);
  check_content_type(input);
  return 0;
}

}  // namespace sluice::net::api

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return sluice::net::api::fuzz_accept({reinterpret_cast<const char*>(data), size});
}
