#include "net/auth/access.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <utility>

namespace sluice::net::auth {
namespace {

// What the matchers cannot judge in Prometheus's sense fits none of them: its `.` is any character, and a negated
// matcher must not hold because a value was too long to be looked at.
bool is_judgeable(std::string_view value) {
  return value.size() <= api::kRegexValueBytesMax && value.find('\n') == std::string_view::npos;
}

}  // namespace

Access::Access(AuthFile& file) : file_(file) { refresh(); }

void Access::refresh() {
  state_ = file_.current(std::move(state_));
  if (state_->config == config_) return;
  config_ = state_->config;
  use(*config_);
}

void Access::use(const AuthConfig& config) {
  grants_ = config.grants;
  users_.clear();
  tokens_.clear();
  certificates_.clear();
  const auto add = [](Index& index, const std::vector<std::string>& names, uint32_t grant) {
    for (const std::string& name : names) index[name].push_back(grant);
  };
  for (uint32_t i = 0; i < grants_.size(); ++i) {
    add(users_, grants_[i].users, i);
    add(tokens_, grants_[i].tokens, i);
    add(certificates_, grants_[i].certificates, i);
  }
}

std::string_view Access::hash_of(std::string_view user) const {
  const auto found = config_->users.find(std::string(user));
  return found == config_->users.end() ? std::string_view() : std::string_view(found->second);
}

std::span<const std::string> Access::stand_ins() const { return config_->stand_ins; }

// Looks at every token, whichever it is.
std::string_view Access::name_of_token(std::string_view token) const {
  const TokenDigest digest = token_digest(token);
  const Token* found = nullptr;
  for (const Token& known : config_->tokens) {
    if (CRYPTO_memcmp(known.digest.data(), digest.data(), digest.size()) == 0) found = &known;
  }
  return found == nullptr ? std::string_view() : std::string_view(found->name);
}

std::string_view Access::challenge() const {
  if (config_->tokens.empty()) return "WWW-Authenticate: Basic realm=\"sluice\"\r\n";
  return "WWW-Authenticate: Basic realm=\"sluice\"\r\nWWW-Authenticate: Bearer realm=\"sluice\"\r\n";
}

bool Access::knows(const http::Exchange& exchange) {
  return !exchange.caller.user.empty() || !exchange.caller.token.empty() ||
         std::ranges::any_of(exchange.request.certificate_names,
                             [this](const std::string& name) { return certificates_.contains(name); });
}

Access::Verdict Access::judge(const http::Exchange& exchange, api::Right right, const model::GroupKey* key) {
  if (!knows(exchange)) return Verdict::kUnknown;
  Verdict verdict = Verdict::kNoRight;
  const auto ask = [&](const Index& index, const std::string& name) {
    const auto found = index.find(name);
    if (found == index.end() || verdict == Verdict::kYes) return;
    for (const uint32_t grant : found->second) {
      if (!grants_[grant].rights[static_cast<size_t>(right)]) continue;
      verdict = key == nullptr || fits(grants_[grant], *key) ? Verdict::kYes : Verdict::kOtherGroup;
      if (verdict == Verdict::kYes) return;
    }
  };
  ask(users_, exchange.caller.user);
  ask(tokens_, exchange.caller.token);
  for (const std::string& name : exchange.request.certificate_names) ask(certificates_, name);
  return verdict;
}

bool Access::fits(Grant& grant, const model::GroupKey& key) {
  if (grant.match.empty()) return true;
  for (size_t i = 0; i < key.label_count(); ++i) {
    if (!is_judgeable(key.label(i).value)) return false;
  }
  return std::ranges::any_of(grant.match, [&](api::LabelMatchers& matchers) { return matchers.match(key.bytes()); });
}

void Access::on_refused(Verdict verdict) {
  if (verdict == Verdict::kUnknown) ++counters_.unknown;
  if (verdict == Verdict::kNoRight) ++counters_.no_right;
  if (verdict == Verdict::kOtherGroup) ++counters_.other_group;
}

}  // namespace sluice::net::auth
