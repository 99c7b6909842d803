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

// Passwords are compared on at most a quarter of the cores, and on two at most: good clients are asked once.
unsigned pool_threads() { return std::clamp(std::thread::hardware_concurrency() / 4, 1U, 2U); }

}  // namespace

Result<std::unique_ptr<WebFront>, std::string> WebFront::open(const std::string& path, uint64_t body_bytes_max) {
  auto file = net::web::ConfigFile::open(path);
  if (!file) return std::unexpected(file.error());
  return std::unique_ptr<WebFront>(new WebFront(std::move(*file), body_bytes_max));
}

WebFront::WebFront(std::unique_ptr<net::web::ConfigFile> file, uint64_t body_bytes_max) : file_(std::move(file)) {
  net::web::ConfigFile::Reader reader(*file_);
  const net::web::ConfigFile::Version& version = reader.current(false);
  net::web::PasswordPool::Options options;
  options.threads = pool_threads();
  pool_ = std::make_unique<net::web::PasswordPool>(options, net::web::bcrypt_matches);
  shared_ = std::make_unique<net::web::GuardShared>(*file_, *pool_, version.config, body_bytes_max);
  tls_ = version.tls != nullptr;
  log::write(log::Level::kInfo, log::Reason::kAlways, tls_ ? "TLS is enabled." : "TLS is disabled.",
             {{"http2", "false"}, {"users", std::to_string(version.config.users.size())}});
}

net::web::Guard& WebFront::add(net::http::Handler& inner) {
  return *guards_.emplace_back(std::make_unique<net::web::Guard>(inner, *shared_));
}

void WebFront::append(std::vector<render::OwnFamily>& families) const {
  using Counters = net::web::Guard::Counters;
  const auto sum = [&](Counters::Count Counters::* count) {
    uint64_t total = 0;
    for (const auto& guard : guards_) total += guard->counters().*count;
    return total;
  };
  const net::web::ConfigFile::Counts counts = file_->counts();
  render::OwnFamily reloads{std::string(kReloads),
                            "Changes of the web config file or its certificates, by result.",
                            MetricType::kCounter,
                            {}};
  append_count(reloads.lines, kReloads, {{"result", "failure"}}, counts.failures);
  append_count(reloads.lines, kReloads, {{"result", "success"}}, counts.reloads);
  families.push_back(std::move(reloads));
  render::OwnFamily last{
      std::string(kReloadOk), "Whether what is on disk now is what is in force.", MetricType::kGauge, {}};
  append_count(last.lines, kReloadOk, {}, counts.last_failed ? 0 : 1);
  families.push_back(std::move(last));
  render::OwnFamily requests{
      std::string(kRequests), "Requests that were asked for a password, by verdict.", MetricType::kCounter, {}};
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

std::vector<store::OwnFamily> WebFront::names() {
  return {{std::string(kReloads), MetricType::kCounter},
          {std::string(kReloadOk), MetricType::kGauge},
          {std::string(kRequests), MetricType::kCounter},
          {std::string(kLimited), MetricType::kCounter},
          {std::string(kCompared), MetricType::kCounter}};
}

}  // namespace sluice::tools
