// The web config file, whatever bytes it has: what is read, written down again in another style, is read again; nothing
// of it gets into answers but the five header fields, one line each; comments behind it change nothing; scalars and
// durations survive their own spelling.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "net/web/web_config.h"
#include "net/web/yaml_scalar.h"

namespace sluice::net::web {
namespace {

constexpr std::string_view kDirectory = "/etc/sluice";

void expect(bool holds, const char* what, std::string_view got = {}, std::string_view wanted = {}) {
  if (holds) return;
  std::fprintf(stderr, "DIFFERENCE: %s\n--- wanted\n%.*s\n--- got\n%.*s\n", what, static_cast<int>(wanted.size()),
               wanted.data(), static_cast<int>(got.size()), got.data());
  std::abort();
}

bool is_printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](unsigned char c) { return c >= ' ' && c < 0x7f; });
}

// A scalar that is text whatever it looks like.
std::string yaml_quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

// As it is spelled in the file; in answers it is as Go's textproto spells it.
std::string_view name_in_file(std::string_view name) {
  return name == "X-Xss-Protection" ? std::string_view("X-XSS-Protection") : name;
}

std::string list(const std::vector<std::string>& names) {
  std::string out = "[";
  for (const std::string& name : names) out += (out.size() > 1 ? ", " : "") + yaml_quoted(name);
  return out + "]";
}

std::string version_name(uint16_t version) { return "TLS1" + std::to_string(version - 0x0301); }

// The config in one fixed style; what is empty or as it is without being named is left out.
std::string written(const WebConfig& config) {
  const TlsConfig& tls = config.tls;
  std::string out = "tls_server_config:\n";
  const auto text = [&](std::string_view name, const std::string& value) {
    if (!value.empty()) out.append("  ").append(name).append(": ").append(yaml_quoted(value)).append("\n");
  };
  text("cert", tls.cert);
  text("key", tls.key);
  text("client_ca", tls.client_ca);
  text("cert_file", tls.cert_file);
  text("key_file", tls.key_file);
  text("client_ca_file", tls.client_ca_file);
  text("client_auth_type", tls.client_auth_type);
  if (!tls.cipher_suites.empty()) out += "  cipher_suites: " + list(tls.cipher_suites) + "\n";
  if (!tls.curves.empty()) out += "  curve_preferences: " + list(tls.curves) + "\n";
  out += "  min_version: " + (tls.version_min == 0 ? std::string("null") : version_name(tls.version_min)) + "\n";
  out += "  max_version: " + (tls.version_max == 0 ? std::string("null") : version_name(tls.version_max)) + "\n";
  out += std::string("  prefer_server_cipher_suites: ") + (tls.prefer_server_cipher_suites ? "on" : "no") + "\n";
  if (tls.client_allowed_sans) out += "  client_allowed_sans: " + list(*tls.client_allowed_sans) + "\n";
  out += std::string("http_server_config: {http2: ") + (config.http2 ? "true" : "false") + ", headers: {";
  std::string_view lines = config.header_lines;
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find("\r\n"));
    lines.remove_prefix(line.size() + 2);
    const size_t colon = line.find(": ");
    out += yaml_quoted(name_in_file(line.substr(0, colon))) + ": " + yaml_quoted(line.substr(colon + 2)) + ", ";
  }
  out += "}}\nrate_limit: {interval: " + std::to_string(config.rate_interval_ns) +
         "ns, burst: " + std::to_string(config.rate_burst) + "}\nbasic_auth_users:\n";
  // A name of more than 1,024 characters is no key without the mark (YAML 1.2, 7.4.2).
  for (const auto& [name, hash] : config.users) {
    const std::string key = yaml_quoted(name);
    out += (key.size() > 1000 ? "  ? " + key + "\n  : " : "  " + key + ": ") + yaml_quoted(hash) + "\n";
  }
  return out;
}

void check_headers(std::string_view lines) {
  static constexpr std::array<std::string_view, 5> kNames = {"Content-Security-Policy", "X-Content-Type-Options",
                                                             "X-Frame-Options", "X-Xss-Protection",
                                                             "Strict-Transport-Security"};
  while (!lines.empty()) {
    const size_t end = lines.find("\r\n");
    expect(end != std::string_view::npos, "a header line ends", lines);
    const std::string_view line = lines.substr(0, end);
    const size_t colon = line.find(": ");
    expect(colon != std::string_view::npos, "a header has a value", line);
    expect(std::find(kNames.begin(), kNames.end(), line.substr(0, colon)) != kNames.end(), "one of five names", line);
    // A NUL byte of the file is sent as it stands, as Go's server does.
    for (const char c : line) expect(c != '\r' && c != '\n', "a header is one line", line);
    lines.remove_prefix(end + 2);
  }
}

void check_scalar(std::string_view text) {
  const Scalar scalar = resolve_plain(text);
  if (scalar.kind == Scalar::Kind::kInt) {
    const Scalar again = resolve_plain(std::to_string(scalar.integer));
    expect(again.kind == Scalar::Kind::kInt && again.integer == scalar.integer, "a number is itself in decimal", text);
  }
  expect(resolve_plain("x" + std::string(text)).kind == Scalar::Kind::kText, "what begins with a letter x is text",
         text);
  const auto duration = parse_duration(text);
  if (!duration) return;
  expect(parse_duration(std::to_string(*duration) + "ns") == duration, "a duration is itself in nanoseconds", text);
  const bool has_sign = text.starts_with('-') || text.starts_with('+');
  if (!has_sign) expect(parse_duration("-" + std::string(text)) == -*duration, "the other sign", text);
}

// `lines` ends with a line's end: one that is missing at the end of the file is a difference to a block scalar.
// So is one to a block scalar right behind a tag (`!|`), which Go refuses and yaml-cpp takes for an empty one.
void check_comment(const std::string& lines, const std::string& directory) {
  if (lines.find("!|") != std::string::npos || lines.find("!>") != std::string::npos) return;
  const auto plain = parse_web_config(lines, directory);
  const auto commented = parse_web_config(lines + "# a comment\n", directory);
  if (!plain || !commented) return;
  expect(written(*commented) == written(*plain), "a comment behind it", written(*commented), written(*plain));
}

}  // namespace

int fuzz_web(std::string_view input) {
  check_scalar(input);
  const std::string directory(kDirectory);
  const auto config = parse_web_config(input, directory);
  if (!config) {
    expect(!config.error().empty(), "a refusal has a text");
    return 0;
  }
  check_headers(config->header_lines);
  for (const std::string& file : config->tls.files()) expect(file.starts_with('/'), "a path is absolute", file);
  const std::string wanted = written(*config);
  check_comment(std::string(input) + "\n", directory);
  std::string flat = wanted;
  std::erase(flat, '\n');
  if (!is_printable(flat)) return 0;
  const auto rewritten = parse_web_config(wanted, directory);
  expect(rewritten.has_value(), "what was read, written down again", rewritten ? "" : rewritten.error(), wanted);
  expect(written(*rewritten) == wanted, "what was read, read again", written(*rewritten), wanted);
  return 0;
}

}  // namespace sluice::net::web

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return sluice::net::web::fuzz_web({reinterpret_cast<const char*>(data), size});
}
