#include "tools/web_front.h"

#include <algorithm>
#include <string_view>
#include <thread>
#include <utility>

#include "core/base/log.h"
#include "net/api/family_text.h"
#include "net/web/bcrypt.h"

namespace sluice::tools {
namespace {

using model::MetricType;
using net::api::append_count;

constexpr std::string_view kReloads = "sluice_web_config_reloads_total";
constexpr std::string_view kReloadOk = "sluice_web_config_last_reload_successful";
constexpr std::string_view kRequests = "sluice_web_auth_requests_total";
constexpr std::string_view kLimited = "sluice_web_rate_limited_total";
constexpr std::string_view kCompared = "sluice_web_passwords_compared_total";
constexpr std::string_view kAuthReloads = "sluice_auth_file_reloads_total";
constexpr std::string_view kAuthReloadOk = "sluice_auth_file_last_reload_successful";
constexpr std::string_view kAuthRefused = "sluice_auth_refused_total";

// Passwords are compared on at most a quarter of the cores, and on two at most: good clients are asked once.
unsigned pool_threads() { return std::clamp(std::thread::hardware_concurrency() / 4, 1U, 2U); }

// Changes of a file by result, and whether the last one holds.
void append_reloads(std::vector<render::OwnFamily>& families, std::string_view name, const char* help,
                    std::string_view ok_name, uint64_t reloads, uint64_t failures, bool last_failed) {
  render::OwnFamily changes{std::string(name), help, MetricType::kCounter, {}};
  append_count(changes.lines, name, {{"result", "failure"}}, failures);
  append_count(changes.lines, name, {{"result", "success"}}, reloads);
  families.push_back(std::move(changes));
  render::OwnFamily last{
      std::string(ok_name), "Whether what is on disk now is what is in force.", MetricType::kGauge, {}};
  append_count(last.lines, ok_name, {}, last_failed ? 0 : 1);
  families.push_back(std::move(last));
}

}  // namespace

Result<std::unique_ptr<WebFront>, std::string> WebFront::open(const WebFrontOptions& options) {
  std::unique_ptr<net::web::ConfigFile> file;
  if (options.config_file.empty()) {
    file = net::web::ConfigFile::none();
  } else {
    auto opened = net::web::ConfigFile::open(options.config_file);
    if (!opened) return std::unexpected(opened.error());
    file = std::move(*opened);
  }
  std::unique_ptr<net::auth::AuthFile> auth;
  if (!options.auth_file.empty()) {
    auto opened = net::auth::AuthFile::open(options.auth_file);
    if (!opened) return std::unexpected("the auth file " + options.auth_file + ": " + opened.error());
    auth = std::move(*opened);
  }
  return std::unique_ptr<WebFront>(new WebFront(options, std::move(file), std::move(auth)));
}

WebFront::WebFront(const WebFrontOptions& options, std::unique_ptr<net::web::ConfigFile> file,
                   std::unique_ptr<net::auth::AuthFile> auth)
    : has_config_(!options.config_file.empty()), file_(std::move(file)), auth_(std::move(auth)) {
  net::web::ConfigFile::Reader reader(*file_);
  const net::web::ConfigFile::Version& version = reader.current(false);
  net::web::PasswordPool::Options pool;
  pool.threads = pool_threads();
  pool_ = std::make_unique<net::web::PasswordPool>(pool, net::web::bcrypt_matches);
  shared_ = std::make_unique<net::web::GuardShared>(*file_, *pool_, version.config);
  tls_ = version.tls != nullptr;
  if (tls_ && options.kernel_tls) kernel_tls_ = net::tls::kernel_tls();
  if (has_config_) {
    log::write(log::Level::kInfo, log::Reason::kAlways, tls_ ? "TLS is enabled." : "TLS is disabled.",
               {{"http2", "false"}, {"users", std::to_string(version.config.users.size())}});
  }
  if (kernel_tls_ != nullptr) {
    log::write(log::Level::kInfo, log::Reason::kAlways, "The kernel seals what is sent over TLS.",
               {{"takes", net::tls::kernel_tls_text()}});
  }
  if (auth_) {
    const auto state = auth_->current(nullptr);
    log::write(log::Level::kInfo, log::Reason::kAlways, "Requests need the rights of the auth file.",
               {{"users", std::to_string(state->config->users.size())},
                {"tokens", std::to_string(state->config->tokens.size())},
                {"grants", std::to_string(state->config->grants.size())}});
  }
}

net::web::Guard& WebFront::add(net::http::Handler& inner) {
  net::web::Callers* callers = nullptr;
  if (auth_) callers = accesses_.emplace_back(std::make_unique<net::auth::Access>(*auth_)).get();
  return *guards_.emplace_back(std::make_unique<net::web::Guard>(inner, *shared_, callers));
}

void WebFront::append(std::vector<render::OwnFamily>& families) const {
  using Counters = net::web::Guard::Counters;
  const auto sum = [&](Counters::Count Counters::* count) {
    uint64_t total = 0;
    for (const auto& guard : guards_) total += guard->counters().*count;
    return total;
  };
  if (has_config_) append_config(families);
  if (auth_) append_auth(families);
  render::OwnFamily requests{
      std::string(kRequests), "Requests whose password or token was asked for, by verdict.", MetricType::kCounter, {}};
  append_count(requests.lines, kRequests, {{"verdict", "crowded"}}, sum(&Counters::crowded));
  append_count(requests.lines, kRequests, {{"verdict", "right"}}, sum(&Counters::right));
  append_count(requests.lines, kRequests, {{"verdict", "wrong"}}, sum(&Counters::wrong));
  families.push_back(std::move(requests));
  render::OwnFamily limited{std::string(kLimited), "Requests refused by rate_limit.", MetricType::kCounter, {}};
  append_count(limited.lines, kLimited, {}, sum(&Counters::rate_limited));
  families.push_back(std::move(limited));
  render::OwnFamily compared{
      std::string(kCompared), "Passwords compared with a bcrypt hash.", MetricType::kCounter, {}};
  append_count(compared.lines, kCompared, {}, pool_->compared());
  families.push_back(std::move(compared));
}

void WebFront::append_config(std::vector<render::OwnFamily>& families) const {
  const net::web::ConfigFile::Counts counts = file_->counts();
  append_reloads(families, kReloads, "Changes of the web config file or its certificates, by result.", kReloadOk,
                 counts.reloads, counts.failures, counts.last_failed);
}

void WebFront::append_auth(std::vector<render::OwnFamily>& families) const {
  using Counters = net::auth::Access::Counters;
  const auto sum = [&](Counters::Count Counters::* count) {
    uint64_t total = 0;
    for (const auto& access : accesses_) total += access->counters().*count;
    return total;
  };
  const net::auth::AuthFile::Counts counts = auth_->counts();
  append_reloads(families, kAuthReloads, "Changes of the auth file, by result.", kAuthReloadOk, counts.reloads,
                 counts.failures, counts.last_failed);
  render::OwnFamily refused{
      std::string(kAuthRefused),
      "Requests that the auth file does not let, by what they lack: a known caller, the right, or "
      "the right for that group.",
      MetricType::kCounter,
      {}};
  append_count(refused.lines, kAuthRefused, {{"lacks", "caller"}}, sum(&Counters::unknown));
  append_count(refused.lines, kAuthRefused, {{"lacks", "group"}}, sum(&Counters::other_group));
  append_count(refused.lines, kAuthRefused, {{"lacks", "right"}}, sum(&Counters::no_right));
  families.push_back(std::move(refused));
}

std::vector<store::OwnFamily> WebFront::names() {
  return {{std::string(kReloads), MetricType::kCounter},    {std::string(kReloadOk), MetricType::kGauge},
          {std::string(kRequests), MetricType::kCounter},   {std::string(kLimited), MetricType::kCounter},
          {std::string(kCompared), MetricType::kCounter},   {std::string(kAuthReloads), MetricType::kCounter},
          {std::string(kAuthReloadOk), MetricType::kGauge}, {std::string(kAuthRefused), MetricType::kCounter}};
}

}  // namespace sluice::tools
