#include "net/auth/auth_config.h"

#include <openssl/sha.h>

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "net/web/strict_yaml.h"
#include "net/web/web_config.h"

namespace sluice::net::auth {
namespace {

using api::Right;
using web::StrictYaml;

using Names = std::vector<std::string>;

// A grant as it is written.
struct Written {
  Names users, tokens, certificates, rights, match;
  bool has_match = false;
};

StrictYaml::Field names_field(StrictYaml& yaml, std::string_view name, Names& out) {
  return {name,
          [&](const YAML::Node& node) {
            out.clear();
            yaml.list(node, "[]string", [&](const YAML::Node& item) {
              std::string text;
              yaml.text(item, text);
              out.push_back(std::move(text));
            });
          },
          [&] { out.clear(); }};
}

void read_grant(StrictYaml& yaml, const YAML::Node& node, Written& out) {
  // An empty match must not become a grant for everything.
  StrictYaml::Field match = names_field(yaml, "match", out.match);
  const auto noted = [&out](auto next) {
    return [&out, next](const auto&... node_of) {
      out.has_match = true;
      next(node_of...);
    };
  };
  match.read = noted(match.read);
  match.clear = noted(match.clear);
  yaml.structure(node, "auth.Grant",
                 {names_field(yaml, "users", out.users), names_field(yaml, "tokens", out.tokens),
                  names_field(yaml, "certificates", out.certificates), names_field(yaml, "rights", out.rights), match});
}

int hex_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<TokenDigest> parse_digest(std::string_view text) {
  TokenDigest digest;
  if (text.size() != 2 * digest.size()) return std::nullopt;
  for (size_t i = 0; i < digest.size(); ++i) {
    const int high = hex_value(text[2 * i]);
    const int low = hex_value(text[2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    digest[i] = static_cast<unsigned char>(high * 16 + low);
  }
  return digest;
}

Result<std::vector<Token>, std::string> tokens_of(const StrictYaml::TextMap& written) {
  if (written.size() > kTokensMax) {
    return std::unexpected("bearer_tokens: there are more than " + std::to_string(kTokensMax) + " of them");
  }
  const TokenDigest of_nothing = token_digest("");
  std::vector<Token> tokens;
  std::set<TokenDigest> seen;
  for (const auto& [name, text] : written) {
    const auto digest = parse_digest(text);
    if (name.empty()) return std::unexpected("bearer_tokens: a name is empty");
    if (!digest) {
      return std::unexpected("bearer_tokens: the value of " + name + " is no SHA-256 in 64 hexadecimal digits");
    }
    if (*digest == of_nothing) return std::unexpected("bearer_tokens: the token of " + name + " is empty");
    if (!seen.insert(*digest).second) return std::unexpected("bearer_tokens: " + name + " has the token of another");
    tokens.push_back({name, *digest});
  }
  return tokens;
}

std::optional<std::string> take_rights(const Names& names, Grant& grant) {
  if (names.empty()) return "it gives no rights";
  for (const std::string& name : names) {
    size_t right = 0;
    while (right < api::kRights && api::right_name(static_cast<Right>(right)) != name) ++right;
    if (right == api::kRights) return "the right " + name + " is none of push, delete, scrape, admin and ui";
    grant.rights[right] = true;
  }
  return std::nullopt;
}

// A scrape, the page and administration concern all groups: to show a part of them only would need a check of each
// group at each scrape.
std::optional<std::string> take_match(const Written& written, Grant& grant) {
  if (!written.has_match) return std::nullopt;
  if (written.match.empty()) return "match is empty: leave it out for all groups";
  for (const Right right : {Right::kScrape, Right::kAdmin, Right::kUi}) {
    if (grant.rights[static_cast<size_t>(right)]) {
      return "match cannot limit the right " + std::string(api::right_name(right)) +
             ", which concerns all groups: only push and delete have one";
    }
  }
  for (const std::string& selector : written.match) {
    auto matchers = api::LabelMatchers::parse(selector);
    if (!matchers) return "match: " + matchers.error();
    if (selector.find('=') == std::string::npos && selector.find("!~") == std::string::npos) {
      return "match: the selector " + selector + " fits every group: leave match out for that";
    }
    grant.match.push_back(std::move(*matchers));
  }
  return std::nullopt;
}

std::optional<std::string> take_names(Written& written, const std::vector<Token>& tokens, Grant& grant) {
  if (written.users.empty() && written.tokens.empty() && written.certificates.empty()) {
    return "it names no users, tokens or certificates";
  }
  for (const Names* names : {&written.users, &written.tokens, &written.certificates}) {
    if (std::ranges::find(*names, "") != names->end()) return "a name is empty";
  }
  for (const std::string& name : written.tokens) {
    if (std::ranges::find(tokens, name, &Token::name) == tokens.end()) {
      return "the token " + name + " is not in bearer_tokens";
    }
  }
  grant.users = std::move(written.users);
  grant.tokens = std::move(written.tokens);
  grant.certificates = std::move(written.certificates);
  return std::nullopt;
}

Result<std::vector<Grant>, std::string> grants_of(std::vector<Written>& written, const std::vector<Token>& tokens) {
  if (written.empty()) return std::unexpected("it grants nothing to anybody");
  if (written.size() > kGrantsMax) {
    return std::unexpected("there are more than " + std::to_string(kGrantsMax) + " grants");
  }
  std::vector<Grant> grants(written.size());
  for (size_t i = 0; i < written.size(); ++i) {
    auto wrong = take_rights(written[i].rights, grants[i]);
    if (!wrong) wrong = take_match(written[i], grants[i]);
    if (!wrong) wrong = take_names(written[i], tokens, grants[i]);
    if (wrong) return std::unexpected("grant " + std::to_string(i + 1) + ": " + *wrong);
  }
  return grants;
}

}  // namespace

TokenDigest token_digest(std::string_view token) {
  TokenDigest digest;
  SHA256(reinterpret_cast<const unsigned char*>(token.data()), token.size(), digest.data());
  return digest;
}

Result<AuthConfig, std::string> parse_auth_config(std::string_view text) {
  const auto document = StrictYaml::load(text);
  if (!document) return std::unexpected(document.error());
  StrictYaml yaml;
  StrictYaml::TextMap users;
  StrictYaml::TextMap tokens;
  std::vector<Written> grants;
  try {
    if (!document->IsNull()) {
      yaml.structure(
          *document, "auth.Config",
          {{"basic_auth_users", [&](const YAML::Node& node) { yaml.text_map(node, "map[string]config.Secret", users); },
            [&] { users.clear(); }},
           {"bearer_tokens", [&](const YAML::Node& node) { yaml.text_map(node, "map[string]config.Secret", tokens); },
            [&] { tokens.clear(); }},
           {"grants",
            [&](const YAML::Node& node) {
              grants.clear();
              yaml.list(node, "[]auth.Grant",
                        [&](const YAML::Node& item) { read_grant(yaml, item, grants.emplace_back()); });
            },
            [&] { grants.clear(); }}});
    }
  } catch (const std::exception& error) {  // of the library
    return std::unexpected(std::string("yaml: ") + error.what());
  }
  if (auto read = yaml.result(); !read) return std::unexpected(read.error());
  web::WebConfig judged;
  judged.users.insert(users.begin(), users.end());
  if (judged.users.contains("")) return std::unexpected("basic_auth_users: a name is empty");
  if (auto hashes = web::judge_users(judged); !hashes) return std::unexpected("basic_auth_users: " + hashes.error());
  AuthConfig config;
  config.users = std::move(judged.users);
  config.stand_ins = std::move(judged.stand_ins);
  auto known = tokens_of(tokens);
  if (!known) return std::unexpected(known.error());
  config.tokens = std::move(*known);
  auto granted = grants_of(grants, config.tokens);
  if (!granted) return std::unexpected(granted.error());
  config.grants = std::move(*granted);
  return config;
}

}  // namespace sluice::net::auth
