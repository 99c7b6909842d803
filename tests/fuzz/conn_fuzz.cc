// HTTP through the connection: heads and bodies of any bytes, over a ring that splits, delays, resets, ends operations
// for no reason and completes them late. What is compared:
//
//   any cut of the same bytes, any order of completions, a slow reader, work in slices and a second client at the same
//   time give the same answers;
//   a stream with a small difference gives the same answers when the heads of the other one are known to all
//   connections; after resets, the answers that came through whole are the first of those; every request that was heard
//   is well-formed in itself, and has a body that was framed in one way only; the requests that were heard, written
//   down again with a length or in other chunks, are heard again.
//
// The first two bytes choose the unkindness. What a server without a kernel can leave behind is checked by serve().
#include "tests/fuzz/fuzz_server.h"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <random>

#include "net/http/ascii.h"

namespace sluice::net::conn {
namespace {

constexpr std::string_view kEnd = "\r\n\r\n";

void expect(bool holds, const char* what, std::string_view got = {}, std::string_view wanted = {}) {
  if (holds) return;
  std::fprintf(stderr, "DIFFERENCE: %s\n--- wanted\n%.*s\n--- got\n%.*s\n", what, static_cast<int>(wanted.size()),
               wanted.data(), static_cast<int>(got.size()), got.data());
  std::abort();
}

// ---- Answers --------------------------------------------------------------------------------------------------------

// The data of the chunks at the front of `bytes`, which loses them; false when the last one has not come.
bool read_chunks(std::string_view& bytes, std::string& data) {
  while (true) {
    const size_t line = bytes.find("\r\n");
    if (line == std::string_view::npos) return false;
    const size_t size = std::strtoull(std::string(bytes.substr(0, line)).c_str(), nullptr, 16);
    if (bytes.size() < line + size + 4) return false;
    expect(bytes.substr(line + 2 + size, 2) == "\r\n", "a chunk ends with its line", bytes.substr(0, 200));
    data += bytes.substr(line + 2, size);
    bytes.remove_prefix(line + size + 4);
    if (size == 0) return true;
  }
}

// The whole answers in `received`, without what may differ: the date, the size of chunks, interim answers. `rest` is
// true when there is more than whole answers.
std::vector<std::string> answers_in(std::string_view received, bool closed, bool& rest) {
  std::vector<std::string> answers;
  for (rest = false; !received.empty();) {
    const size_t end = received.find(kEnd);
    rest = true;
    if (end == std::string_view::npos) return answers;
    std::string head(received.substr(0, end + 2));
    expect(head.starts_with("HTTP/1."), "an answer begins with its version", head);
    received.remove_prefix(end + kEnd.size());
    if (head.starts_with("HTTP/1.1 100 ")) continue;
    if (const size_t date = head.find("\r\nDate: "); date != std::string::npos) head.erase(date, 37);
    const size_t length = head.find("\r\nContent-Length: ");
    const bool chunked = head.find("\r\nTransfer-Encoding: chunked\r\n") != std::string::npos;
    std::string body;
    if (head.find("\r\nX-Method: HEAD\r\n") != std::string::npos) {
      // No body follows.
    } else if (chunked) {
      if (!read_chunks(received, body)) return answers;
    } else if (length != std::string::npos) {
      const size_t bytes = std::strtoull(head.c_str() + length + 18, nullptr, 10);
      if (received.size() < bytes) return answers;
      body = received.substr(0, bytes);
      received.remove_prefix(bytes);
    } else {
      if (!closed) return answers;
      body = received;
      received = {};
    }
    answers.push_back(head + "\r\n" + body);
    rest = false;
  }
  return answers;
}

std::string joined(const std::vector<std::string>& answers) {
  std::string all;
  for (const std::string& answer : answers) all += answer + "\n====\n";
  return all;
}

// ---- Requests -------------------------------------------------------------------------------------------------------

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::any_of(names.begin(), names.end(), [&](auto other) { return http::equals_ignoring_case(name, other); });
}

// Calls `use` with the name and the value of each field.
template <typename Use>
void for_each_field(std::string_view fields, const Use& use) {
  while (!fields.empty()) {
    const std::string_view line = fields.substr(0, fields.find('\n'));
    fields.remove_prefix(line.size() + 1);
    const size_t colon = line.find(": ");
    use(line.substr(0, colon), line.substr(colon + 2));
  }
}

// What no request may get through with, by rules of its own and not those of the parser.
void check_request(const Heard& heard, std::string_view stream) {
  const auto is_token = [](std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
      return std::isalnum(c) != 0 ||
             std::string_view("!#$%&'*+-.^_`|~").find(static_cast<char>(c)) != std::string::npos;
    });
  };
  const auto is_visible = [](unsigned char c) { return c > 0x20 && c != 0x7f; };
  expect(is_token(heard.method), "a method is a token", heard.method);
  expect(!heard.target.empty() && std::all_of(heard.target.begin(), heard.target.end(), is_visible),
         "a target has no blank and no control", heard.target);
  size_t hosts = 0;
  size_t encodings = 0;
  std::vector<std::string> lengths;
  for_each_field(heard.fields, [&](std::string_view name, std::string_view value) {
    expect(is_token(name), "a field's name is a token", heard.fields);
    for (const char c : value)
      expect(c == '\t' || static_cast<unsigned char>(c) >= ' ', "no control in a value", value);
    expect(value.find('\x7f') == std::string_view::npos, "no DEL in a value", value);
    hosts += is_one_of(name, {"host"}) ? 1 : 0;
    if (is_one_of(name, {"content-length"})) lengths.emplace_back(value);
    if (!is_one_of(name, {"transfer-encoding"})) return;
    ++encodings;
    expect(is_one_of(value, {"chunked"}), "an encoding is chunked", value);
  });
  expect(hosts <= 1, "one host", heard.fields);
  expect(hosts == 1 || heard.version_minor == 0 || heard.method == "CONNECT", "a host", heard.fields);
  expect(encodings == 0 || (encodings == 1 && lengths.empty() && heard.version_minor > 0), "one framing", heard.fields);
  for (const std::string& length : lengths) {
    const bool digits = !length.empty() && length.find_first_not_of("0123456789") == std::string::npos;
    expect(digits && length == lengths[0], "one length, of digits", heard.fields);
  }
  if (!heard.complete || heard.target.starts_with("/gone") || encodings != 0) return;
  const size_t bytes = lengths.empty() ? 0 : std::strtoull(lengths[0].c_str(), nullptr, 10);
  expect(heard.body.size() == bytes, "a body has its length", heard.body, lengths.empty() ? "" : lengths[0]);
  expect(stream.find(heard.body) != std::string_view::npos, "a body is what was sent", heard.body);
}

// Method, target, fields that do not frame, and body of the complete ones.
std::string description(const std::vector<Heard>& all) {
  std::string text;
  for (const Heard& heard : all) {
    if (!heard.complete) continue;
    text += heard.method + " " + heard.target + " 1." + std::to_string(heard.version_minor) + "\n";
    for_each_field(heard.fields, [&](std::string_view name, std::string_view value) {
      if (is_one_of(name, {"content-length", "transfer-encoding", "expect"})) return;
      text.append(name).append(": ").append(value).append("\n");
    });
    text += "\n" + heard.body + "\n====\n";
  }
  return text;
}

void append_chunks(std::string& out, std::string_view body, std::mt19937_64& random) {
  while (!body.empty()) {
    const size_t bytes = 1 + random() % std::min<size_t>(body.size(), 300);
    char line[32];
    const char* const format = random() % 2 == 0 ? "%zx\r\n" : "%04zX;a=b\r\n";
    out.append(line, static_cast<size_t>(std::snprintf(line, sizeof line, format, bytes)));
    out.append(body.substr(0, bytes)).append("\r\n");
    body.remove_prefix(bytes);
  }
  out += random() % 2 == 0 ? "0\r\n\r\n" : "00\r\nX-Trailer: x\r\n\r\n";
}

// The complete requests written down anew.
std::string rewritten(const std::vector<Heard>& all, bool in_chunks, std::mt19937_64& random) {
  std::string out;
  for (const Heard& heard : all) {
    if (!heard.complete) continue;
    out += heard.method + " " + heard.target + " HTTP/1." + std::to_string(heard.version_minor) + "\r\n";
    for_each_field(heard.fields, [&](std::string_view name, std::string_view value) {
      if (is_one_of(name, {"content-length", "transfer-encoding", "expect"})) return;
      out.append(name).append(": ").append(value).append("\r\n");
    });
    if (in_chunks && heard.version_minor > 0) {
      out += "Transfer-Encoding: chunked\r\n\r\n";
      append_chunks(out, heard.body, random);
    } else {
      out += "Content-Length: " + std::to_string(heard.body.size()) + "\r\n\r\n" + heard.body;
    }
  }
  return out;
}

// ---- The comparisons ------------------------------------------------------------------------------------------------

Plan unkind_plan(unsigned char how, unsigned char seed) {
  std::mt19937_64 random(static_cast<uint64_t>(how) << 8 | seed);
  const auto one_of = [&](std::initializer_list<unsigned> values) { return values.begin()[random() % values.size()]; };
  Plan plan;
  plan.seed = random();
  plan.faults = {.delay = one_of({0, 30, 80}),
                 .split = one_of({0, 40, 95}),
                 .partial_send = one_of({0, 40}),
                 .no_buffers = one_of({0, 5, 30}),
                 .end_multishot = one_of({0, 10, 60})};
  plan.buffer_bytes = one_of({16, 64, 256, 1024, 8192});
  plan.piece_bytes_max = one_of({1, 7, 100, 2000, 10'000});
  plan.finish_at_once = one_of({0, 1}) != 0;
  plan.slow_reader = one_of({0, 0, 1}) != 0;
  plan.clients = one_of({1, 2, 3});
  plan.options.inline_ns = one_of({0, 1}) * 3'600'000'000'000;
  plan.options.held_buffers_max = one_of({1, 2, 4});
  plan.options.pending_bytes_max = one_of({0, 200, 262'144});
  plan.options.stream_bytes = one_of({1500, 131'072});
  return plan;
}

void compare(const std::vector<std::string>& wanted, const Outcome& outcome, bool whole) {
  for (const std::string& received : outcome.received) {
    bool rest = false;
    std::vector<std::string> answers = answers_in(received, whole, rest);
    if (whole) expect(!rest, "nothing but whole answers", received);
    const bool as_many = whole ? answers.size() == wanted.size() : answers.size() <= wanted.size();
    const bool same = as_many && std::equal(answers.begin(), answers.end(), wanted.begin());
    expect(same, whole ? "the same answers" : "the first of the same answers", joined(answers), joined(wanted));
  }
}

// The stream with one byte more, less or other, mostly in its first heads.
std::string neighbour_of(std::string_view stream, std::mt19937_64& random) {
  constexpr std::string_view kBytes = "0159 \t\r\n:-,aAhH\x7f\x80/";
  std::string changed(stream);
  if (changed.empty()) return changed;
  const size_t at = random() % std::min<size_t>(changed.size(), 300);
  const char byte = kBytes[random() % kBytes.size()];
  switch (random() % 4) {
    case 0:
      return changed.insert(at, 1, byte);
    case 1:
      return changed.erase(at, 1);
    case 2:
      changed[at] = static_cast<char>(changed[at] ^ 0x20);
      return changed;
    default:
      changed[at] = byte;
      return changed;
  }
}

void check_rewritten(const Outcome& outcome, bool in_chunks, std::mt19937_64& random) {
  Plan kind;
  kind.options.inline_ns = 3'600'000'000'000;
  const std::string stream = rewritten(outcome.heard, in_chunks, random);
  const std::string got = description(serve(stream, kind).heard);
  const std::string wanted = description(outcome.heard);
  expect(got == wanted, in_chunks ? "what was heard, in chunks" : "what was heard, with lengths", got, wanted);
}

// A template of a head must not take what the parser refuses or reads otherwise.
void check_neighbour(std::string_view stream, std::mt19937_64& random) {
  Plan plan;
  plan.options.inline_ns = 3'600'000'000'000;
  const std::string neighbour = neighbour_of(stream, random);
  const Outcome alone = serve(neighbour, plan);
  bool rest = false;
  const std::vector<std::string> answers = answers_in(alone.received[0], true, rest);
  plan.before = std::vector(2, std::string(stream));
  const Outcome after = serve(neighbour, plan);
  expect(after.refused == alone.refused, "as many refusals", neighbour);
  if (!alone.broken) compare(answers, after, true);
}

}  // namespace

int fuzz_connection(std::string_view input) {
  if (input.size() < 2) return 0;
  const std::string_view stream = input.substr(2);
  Plan kind;
  kind.options.inline_ns = 3'600'000'000'000;
  const Outcome outcome = serve(stream, kind);
  for (const Heard& heard : outcome.heard) check_request(heard, stream);
  expect(outcome.refused <= 1, "one refusal ends the connection");

  bool rest = false;
  const std::vector<std::string> answers = answers_in(outcome.received[0], true, rest);
  expect(outcome.broken || (!rest && answers.size() == outcome.heard.size() + outcome.refused),
         "one answer for each request", joined(answers));

  Plan unkind = unkind_plan(static_cast<unsigned char>(input[0]), static_cast<unsigned char>(input[1]));
  if (!outcome.broken) compare(answers, serve(stream, unkind), true);
  unkind.faults.reset = 5;
  if (!outcome.broken) compare(answers, serve(stream, unkind), false);

  std::mt19937_64 random(unkind.seed);
  check_neighbour(stream, random);
  check_rewritten(outcome, false, random);
  check_rewritten(outcome, true, random);
  return 0;
}

}  // namespace sluice::net::conn

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return sluice::net::conn::fuzz_connection({reinterpret_cast<const char*>(data), size});
}
