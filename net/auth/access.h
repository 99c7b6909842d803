// Who may do what, for one worker: answers its guard (who is it?) and its handler (may they?) from the auth file.
//
// A request may show several names (a password or a token, and a certificate): it has the rights of all. A name that
// the web config vouches for, but no grant names, has none.
//
// Thread: the worker's. Lifetime: `file` outlives it.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/base/hash.h"
#include "core/sync/single_writer.h"
#include "net/api/access_control.h"
#include "net/auth/auth_file.h"
#include "net/web/callers.h"

namespace sluice::net::auth {

class Access final : public web::Callers, public api::AccessControl {
 public:
  // Written by the worker, read by anyone: requests answered with 401 or 403 by the handler.
  struct Counters {
    using Count = sync::SingleWriter<uint64_t>;
    Count unknown;
    Count no_right;
    Count other_group;
  };

  explicit Access(AuthFile& file);

  void refresh() override;
  [[nodiscard]] std::string_view hash_of(std::string_view user) const override;
  [[nodiscard]] std::span<const std::string> stand_ins() const override;
  [[nodiscard]] std::string_view name_of_token(std::string_view token) const override;
  [[nodiscard]] std::string_view challenge() const override;

  [[nodiscard]] bool knows(const http::Exchange& exchange) override;
  [[nodiscard]] Verdict judge(const http::Exchange& exchange, api::Right right, const model::GroupKey* key) override;
  void on_refused(Verdict verdict) override;

  [[nodiscard]] const Counters& counters() const noexcept { return counters_; }

 private:
  using Index = std::unordered_map<std::string, std::vector<uint32_t>, KeyedHash>;  // name to grants
  void use(const AuthConfig& config);
  [[nodiscard]] static bool fits(Grant& grant, const model::GroupKey& key);

  AuthFile& file_;
  std::shared_ptr<const AuthFile::State> state_;
  std::shared_ptr<const AuthConfig> config_;
  std::vector<Grant> grants_;  // the worker's own copy: matchers keep scratch
  Index users_, tokens_, certificates_;
  Counters counters_;
};

}  // namespace sluice::net::auth
