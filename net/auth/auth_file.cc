#include "net/auth/auth_file.h"

#include <cerrno>
#include <cstdlib>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "net/web/web_config.h"

namespace sluice::net::auth {
namespace {

// As net/web/config_file.cc: times of files have the grain of the kernel's tick.
constexpr int64_t kSettledNs = 100'000'000;

bool same_time(const timespec& a, const timespec& b) { return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec; }

int look_at(const std::string& path, struct stat& status) {
  status = {};
  return ::stat(path.c_str(), &status) == 0 ? 0 : errno;
}

}  // namespace

bool AuthFile::is_unchanged(const State& state) const {
  if (!state.settled_) return false;
  struct stat now{};
  return look_at(path_, now) == state.error_ && now.st_dev == state.status_.st_dev &&
         now.st_ino == state.status_.st_ino && now.st_size == state.status_.st_size &&
         same_time(now.st_mtim, state.status_.st_mtim) && same_time(now.st_ctim, state.status_.st_ctim);
}

// The status comes before the content: a change in between shows in the next look.
std::shared_ptr<AuthFile::State> AuthFile::look() const {
  auto state = std::make_shared<State>();
  state->error_ = look_at(path_, state->status_);
  state->text_ = web::read_file(path_);
  const timespec& changed = state->status_.st_ctim;
  const int64_t changed_ns = int64_t{changed.tv_sec} * 1'000'000'000 + changed.tv_nsec;
  state->settled_ = state->error_ != 0 || std::abs(wall_ns() - changed_ns) >= kSettledNs;
  return state;
}

Result<std::unique_ptr<AuthFile>, std::string> AuthFile::open(const std::string& path) {
  std::unique_ptr<AuthFile> file(new AuthFile(path));
  auto state = file->look();
  if (!state->text_) return std::unexpected(state->text_.error());
  auto config = parse_auth_config(*state->text_);
  if (!config) return std::unexpected(config.error());
  state->config = std::make_shared<const AuthConfig>(std::move(*config));
  file->state_ = std::move(state);
  return file;
}

std::shared_ptr<const AuthFile::State> AuthFile::current(std::shared_ptr<const State> before) {
  if (before != nullptr && is_unchanged(*before)) return before;
  const std::lock_guard lock(mutex_);
  if (is_unchanged(*state_)) return state_;  // another worker was first
  auto next = look();
  next->config = state_->config;
  if (next->text_ != state_->text_) {
    auto config = next->text_ ? parse_auth_config(*next->text_)
                              : Result<AuthConfig, std::string>(std::unexpected(next->text_.error()));
    counts_.last_failed = !config;
    if (config) {
      ++counts_.reloads;
      next->config = std::make_shared<const AuthConfig>(std::move(*config));
      log::write(log::Level::kInfo, log::Reason::kAlways, "Auth file reloaded", {{"file", path_}});
    } else {
      ++counts_.failures;
      log::write(log::Level::kError, log::Reason::kAlways, "Unable to use the auth file",
                 {{"file", path_}, {"err", config.error()}, {"note", "the last good version goes on"}});
    }
  }
  state_ = std::move(next);
  return state_;
}

AuthFile::Counts AuthFile::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

}  // namespace sluice::net::auth
