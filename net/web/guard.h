// Stands before a worker's handler and applies the web config: the rate limit, users, headers. In the reference's
// order: the limit counts every request, headers are on every answer that passed it, authentication comes before
// routing.
//
// A password that no cache knows is compared by the pool while the request is parked; the worker goes on. The body of
// such a request is not received before it is known to be right.
//
// With `callers` (--auth.file) there are more who may come in: their users, and bearer tokens. A request without
// credentials then goes on to the handler, which knows what it may do; wrong ones end here, whatever it asks for.
//
// Thread: the worker's. Lifetime: outlives the worker; `inner`, `shared` and `callers` outlive this.
#pragma once

#include <memory>
#include <string_view>

#include "core/base/limits.h"
#include "core/sync/single_writer.h"
#include "core/sync/token_bucket.h"
#include "net/http/exchange.h"
#include "net/tls/source.h"
#include "net/web/callers.h"
#include "net/web/config_file.h"
#include "net/web/password_pool.h"
#include "net/web/verdict_cache.h"

namespace sluice::net::web {

// What all workers share. The limit is the one of the file at the start.
struct GuardShared {
  GuardShared(ConfigFile& file_in, PasswordPool& pool_in, const WebConfig& start)
      : file(file_in), pool(pool_in), bucket(start.rate_interval_ns, start.rate_burst) {}
  ConfigFile& file;
  PasswordPool& pool;
  sync::TokenBucket bucket;
};

class Guard final : public http::Handler, public tls::Source {
 public:
  // Written by the worker, read by anyone.
  struct Counters {
    using Count = sync::SingleWriter<uint64_t>;
    Count rate_limited;
    Count right;    // requests let in by a password or a token
    Count wrong;    // refused: wrong password or token, unknown user, no or broken credentials
    Count crowded;  // sent away because too many passwords waited to be compared
  };

  Guard(http::Handler& inner, GuardShared& shared, Callers* callers = nullptr);

  bool admits(http::Exchange& exchange) override;
  HeadAction on_head(http::Exchange& exchange, uint64_t& body_bytes_max) override;
  StepAction step(http::Exchange& exchange, Deadline deadline) override;
  void on_refused(int status, std::string_view peer) override { inner_.on_refused(status, peer); }
  void on_limit(limits::Limit limit) override { inner_.on_limit(limit); }
  [[nodiscard]] bool readers_are_in_the_way() const noexcept override { return inner_.readers_are_in_the_way(); }
  // Hears also of requests that were refused here, without an on_head before.
  void on_finished(const http::Exchange& exchange, bool sent) override { inner_.on_finished(exchange, sent); }

  // For a new connection, with the certificates as they are now.
  [[nodiscard]] std::unique_ptr<tls::Session> open(const tls::KernelTls* kernel) override;

  [[nodiscard]] const Counters& counters() const noexcept { return counters_; }

 private:
  enum class Access : uint8_t { kRight, kWrong, kCrowded, kPending, kNobody };
  [[nodiscard]] Access judge(http::Exchange& exchange, const WebConfig& config);
  [[nodiscard]] Access judge_password(http::Exchange& exchange, std::string_view authorization,
                                      const WebConfig& config);
  // The hash that the user's password is compared with; empty: there is none for anybody.
  [[nodiscard]] std::string hash_for(const WebConfig& config, std::string_view user, bool& exists) const;
  void refuse(http::Exchange& exchange, Access access, const WebConfig& config);
  [[nodiscard]] HeadAction enter(http::Exchange& exchange, uint64_t& body_bytes_max, const WebConfig& config);

  http::Handler& inner_;
  GuardShared& shared_;
  Callers* const callers_;
  ConfigFile::Reader reader_;
  VerdictCache verdicts_;
  Counters counters_;
};

}  // namespace sluice::net::web
