// What the parser says about many streams, a line each: what two builds of it say must be the same
// (llhttp_versions.py builds it with the llhttp of each distribution).
//
//   http_verdicts MUTATIONS SEED         number and hash of each transcript
//   http_verdicts MUTATIONS SEED NUMBER  that stream and its transcript
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/hash.h"
#include "tests/net/http/http1_cases.h"
#include "tests/net/http/stream_driver.h"

namespace sluice::net::http {
namespace {

std::string joined(const Http1Case& one) {
  std::string stream;
  for (const std::string& part : one.parts) stream += part;
  return stream;
}

std::vector<std::string> known_streams() {
  std::vector<std::string> streams;
  for (const Http1Case& one : own_http1_cases()) streams.push_back(joined(one));
  if (const auto outside = outside_http1_cases()) {
    for (const Http1Case& one : *outside) streams.push_back(joined(one));
  }
  // Longer ones say nothing that these do not, and mutations of them would take most of the time.
  std::erase_if(streams, [](const std::string& stream) { return stream.size() > 20'000; });
  return streams;
}

constexpr std::string_view kPieces[] = {"\r",
                                        "\n",
                                        "\r\n",
                                        "\r\n\r\n",
                                        " ",
                                        "\t",
                                        ":",
                                        ",",
                                        ";",
                                        "0",
                                        "1",
                                        "\x7f",
                                        "\x80",
                                        "\xff",
                                        "chunked",
                                        "Transfer-Encoding: chunked\r\n",
                                        "Content-Length: 3\r\n",
                                        "Connection: close\r\n",
                                        "Connection: upgrade\r\nUpgrade: h2c\r\n",
                                        "Expect: 100-continue\r\n",
                                        "\r\n ",
                                        "HTTP/1.0",
                                        "HTTP/1.1",
                                        "0\r\n\r\n",
                                        "5;a=\"b\"\r\n",
                                        "CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n",
                                        "GET / HTTP/1.1\r\nHost: x\r\n\r\n"};

class Mutator {
 public:
  explicit Mutator(uint64_t seed) : random_(seed) {}
  [[nodiscard]] size_t below(size_t count) { return count == 0 ? 0 : random_() % count; }

  [[nodiscard]] std::string mutate(std::string stream, const std::string& other) {
    for (size_t left = 1 + below(3); left > 0; --left) {
      const size_t at = below(stream.size() + 1);
      switch (below(6)) {
        case 0:
          if (at < stream.size()) stream[at] = static_cast<char>(below(256));
          break;
        case 1:
          stream.insert(at, kPieces[below(std::size(kPieces))]);
          break;
        case 2:
          stream.erase(at, 1 + below(4));
          break;
        case 3:
          stream.insert(at, stream.substr(below(stream.size()), below(40)));
          break;
        case 4:
          stream = stream.substr(0, at) + other.substr(below(other.size()));
          break;
        default:
          stream.insert(at, 1, '\0');
      }
    }
    return stream;
  }

 private:
  std::mt19937_64 random_;
};

int run(size_t mutations, uint64_t seed, const char* wanted) {
  const std::vector<std::string> known = known_streams();
  Mutator mutator(seed);
  for (size_t i = 0; i < known.size() + mutations; ++i) {
    const std::string stream =
        i < known.size() ? known[i]
                         : mutator.mutate(known[mutator.below(known.size())], known[mutator.below(known.size())]);
    const std::vector<size_t> cuts = {stream.size() / 3, stream.size() / 2};
    const std::string text = describe(run_stream(stream, {})) + "cut:\n" + describe(run_stream(stream, cuts));
    if (wanted == nullptr) {
      std::printf("%zu %016llx\n", i, static_cast<unsigned long long>(stable_hash(text)));
    } else if (i == std::strtoull(wanted, nullptr, 10)) {
      std::printf("%s\n----\n%s", stream.c_str(), text.c_str());
    }
  }
  return 0;
}

}  // namespace
}  // namespace sluice::net::http

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  return sluice::net::http::run(std::strtoull(argv[1], nullptr, 10), std::strtoull(argv[2], nullptr, 10),
                                argc > 3 ? argv[3] : nullptr);
}
