#include "net/web/web_config.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "net/web/bcrypt.h"
#include "net/web/headers.h"

namespace sluice::net::web {
namespace {

constexpr int kStandInCostMax = 13;

void read_names(StrictYaml& yaml, const YAML::Node& node, std::string_view type, std::string_view item_type,
                std::vector<std::string>& out) {
  out.clear();
  yaml.list(node, type, [&](const YAML::Node& item) {
    std::string name;
    yaml.text(item, name, item_type);
    out.push_back(std::move(name));
  });
}

void read_version(StrictYaml& yaml, const YAML::Node& node, uint16_t& out) {
  std::string name;
  yaml.text(node, name);
  if (const auto version = tls::version_of(name)) {
    out = *version;
  } else {
    yaml.refuse("unknown TLS version: " + name);
  }
}

void refuse_unknown(StrictYaml& yaml, const std::vector<std::string>& names, bool (*known)(std::string_view) noexcept,
                    const std::string& complaint) {
  for (const std::string& name : names) {
    if (!known(name)) yaml.refuse(complaint + name);
  }
}

StrictYaml::Field text_field(StrictYaml& yaml, std::string_view name, std::string& out) {
  return {name, [&](const YAML::Node& node) { yaml.text(node, out); }, [&] { out.clear(); }};
}

void read_tls(StrictYaml& yaml, const YAML::Node& node, TlsConfig& out) {
  yaml.structure(node, "web.TLSConfig",
                 {text_field(yaml, "cert", out.cert),
                  text_field(yaml, "key", out.key),
                  text_field(yaml, "client_ca", out.client_ca),
                  text_field(yaml, "cert_file", out.cert_file),
                  text_field(yaml, "key_file", out.key_file),
                  text_field(yaml, "client_ca_file", out.client_ca_file),
                  text_field(yaml, "client_auth_type", out.client_auth_type),
                  {"cipher_suites",
                   [&](const YAML::Node& value) {
                     read_names(yaml, value, "[]web.Cipher", "string", out.cipher_suites);
                     refuse_unknown(yaml, out.cipher_suites, tls::is_cipher_suite, "unknown cipher: ");
                   },
                   [&] { out.cipher_suites.clear(); }},
                  {"curve_preferences",
                   [&](const YAML::Node& value) {
                     read_names(yaml, value, "[]web.Curve", "string", out.curves);
                     refuse_unknown(yaml, out.curves, tls::is_curve, "unknown curve: ");
                   },
                   [&] { out.curves.clear(); }},
                  {"min_version", [&](const YAML::Node& value) { read_version(yaml, value, out.version_min); },
                   [&] { out.version_min = 0; }},
                  {"max_version", [&](const YAML::Node& value) { read_version(yaml, value, out.version_max); },
                   [&] { out.version_max = 0; }},
                  {"prefer_server_cipher_suites",
                   [&](const YAML::Node& value) { yaml.boolean(value, out.prefer_server_cipher_suites); },
                   [&] { out.prefer_server_cipher_suites = false; }},
                  {"client_allowed_sans",
                   [&](const YAML::Node& value) {
                     read_names(yaml, value, "[]string", "string", out.client_allowed_sans.emplace());
                   },
                   [&] { out.client_allowed_sans.reset(); }}});
}

void read_http(StrictYaml& yaml, const YAML::Node& node, bool& http2, StrictYaml::TextMap& headers) {
  yaml.structure(node, "web.HTTPConfig",
                 {{"http2", [&](const YAML::Node& value) { yaml.boolean(value, http2); }, [&] { http2 = false; }},
                  {"headers", [&](const YAML::Node& value) { yaml.text_map(value, "map[string]string", headers); },
                   [&] { headers.clear(); }}});
}

void read_rate(StrictYaml& yaml, const YAML::Node& node, WebConfig& out) {
  yaml.structure(
      node, "web.RateLimiterConfig",
      {{"burst", [&](const YAML::Node& value) { yaml.integer(value, out.rate_burst); }, [&] { out.rate_burst = 0; }},
       {"interval", [&](const YAML::Node& value) { yaml.duration(value, out.rate_interval_ns); },
        [&] { out.rate_interval_ns = 0; }}});
}

std::string joined(const std::string& directory, const std::string& path) {
  if (path.empty() || path.front() == '/') return path;
  return (std::filesystem::path(directory) / path).lexically_normal().string();
}

// HTTP/2 is not spoken here, but a file that the reference refuses is refused.
bool lacks_http2_cipher(const WebConfig& config) {
  const auto& names = config.tls.cipher_suites;
  return config.http2 && !names.empty() && config.tls.version_min < 0x0304 &&
         std::ranges::find(names, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256") == names.end() &&
         std::ranges::find(names, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256") == names.end();
}

Result<std::string, std::string> file_or_inline(const std::string& file, const std::string& text,
                                                const std::string& what) {
  if (file.empty()) return text;
  auto content = read_file(file);
  if (content) return content;
  return std::unexpected("failed to read " + what + " (" + file + "): " + content.error());
}

}  // namespace

bool TlsConfig::wanted() const noexcept {
  return !(cert_file.empty() && cert.empty() && key_file.empty() && key.empty() && client_auth_type.empty() &&
           client_ca_file.empty() && client_ca.empty());
}

std::vector<std::string> TlsConfig::files() const {
  std::vector<std::string> all;
  for (const std::string* file : {&cert_file, &key_file, &client_ca_file}) {
    if (!file->empty()) all.push_back(*file);
  }
  return all;
}

Result<WebConfig, std::string> parse_web_config(std::string_view text, const std::string& directory) {
  const auto document = StrictYaml::load(text);
  if (!document) return std::unexpected(document.error());
  WebConfig config;
  if (document->IsNull()) return config;
  StrictYaml yaml;
  StrictYaml::TextMap headers;
  StrictYaml::TextMap users;
  try {
    yaml.structure(
        *document, "web.Config",
        {{"tls_server_config", [&](const YAML::Node& node) { read_tls(yaml, node, config.tls); },
          [&] { config.tls = TlsConfig(); }},
         {"http_server_config", [&](const YAML::Node& node) { read_http(yaml, node, config.http2, headers); },
          [&] { config.http2 = false; }},
         {"rate_limit", [&](const YAML::Node& node) { read_rate(yaml, node, config); }, [] {}},
         {"basic_auth_users", [&](const YAML::Node& node) { yaml.text_map(node, "map[string]config.Secret", users); },
          [] {}}});
  } catch (const std::exception& error) {  // of the library
    return std::unexpected(std::string("yaml: ") + error.what());
  }
  if (auto read = yaml.result(); !read) return std::unexpected(read.error());
  auto lines = header_lines(headers);
  if (!lines) return std::unexpected(lines.error());
  config.header_lines = std::move(*lines);
  config.users.insert(users.begin(), users.end());
  for (std::string* file : {&config.tls.cert_file, &config.tls.key_file, &config.tls.client_ca_file}) {
    *file = joined(directory, *file);
  }
  return config;
}

Result<void, std::string> judge_users(WebConfig& config) {
  config.stand_ins.clear();
  for (const auto& [name, hash] : config.users) {
    const auto cost = bcrypt_cost(hash);
    if (!cost) return std::unexpected(cost.error());
    if (*cost <= kStandInCostMax) config.stand_ins.push_back(hash);
  }
  if (config.stand_ins.empty() && !config.users.empty()) config.stand_ins.push_back(config.users.begin()->second);
  return {};
}

Result<std::optional<tls::Settings>, std::string> tls_settings(const WebConfig& config) {
  const TlsConfig& tls = config.tls;
  if (!tls.wanted()) return std::nullopt;
  if (tls.cert_file.empty() && tls.cert.empty()) return std::unexpected("missing one of cert or cert_file");
  if (tls.key_file.empty() && tls.key.empty()) return std::unexpected("missing one of key or key_file");
  tls::Settings settings;
  auto certificates = file_or_inline(tls.cert_file, tls.cert, "cert_file");
  if (!certificates) return std::unexpected(certificates.error());
  auto key = file_or_inline(tls.key_file, tls.key, "key_file");
  if (!key) return std::unexpected(key.error());
  settings.certificates = std::move(*certificates);
  settings.key = std::move(*key);
  if (auto pair = tls::check_key_pair(settings.certificates, settings.key); !pair) {
    return std::unexpected("failed to load X509KeyPair: " + pair.error());
  }
  if (!tls.client_ca_file.empty()) {
    auto file = read_file(tls.client_ca_file);
    if (!file) return std::unexpected(file.error());
    settings.client_ca = std::move(*file);
  } else if (!tls.client_ca.empty()) {
    settings.client_ca = tls.client_ca;
  }
  const auto auth = tls::client_auth_of(tls.client_auth_type);
  if (!auth) return std::unexpected("invalid ClientAuth: " + tls.client_auth_type);
  settings.client_auth = *auth;
  if (settings.client_ca && *auth == tls::ClientAuth::kNone) {
    return std::unexpected("client CA's have been configured without a Client Auth Policy");
  }
  if (lacks_http2_cipher(config)) {
    return std::unexpected(
        "http2: TLSConfig.CipherSuites is missing an HTTP/2-required AES_128_GCM_SHA256 cipher (need at least one of "
        "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 or TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256)");
  }
  settings.client_allowed_sans = tls.client_allowed_sans;
  settings.cipher_suites = tls.cipher_suites;
  settings.curves = tls.curves;
  settings.version_min = tls.version_min;
  settings.version_max = tls.version_max;
  settings.strict_alpn = config.http2;
  return settings;
}

}  // namespace sluice::net::web
