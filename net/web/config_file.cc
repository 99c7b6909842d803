#include "net/web/config_file.h"

#include <openssl/crypto.h>

#include <cerrno>
#include <cmath>
#include <filesystem>

#include "core/base/clock.h"
#include "core/base/log.h"

namespace sluice::net::web {
namespace {

// Times of files have the grain of the kernel's tick, 1 to 10 ms: a file that was changed so recently may be changed
// once more without a trace, so it is read again until it is older.
constexpr int64_t kSettledNs = 100'000'000;

int64_t ns_of(const timespec& time) { return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec; }

bool same_time(const timespec& a, const timespec& b) { return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec; }

}  // namespace

bool ConfigFile::Stamp::same_as(const Stamp& other) const noexcept {
  return error == other.error && status.st_dev == other.status.st_dev && status.st_ino == other.status.st_ino &&
         status.st_size == other.status.st_size && same_time(status.st_mtim, other.status.st_mtim) &&
         same_time(status.st_ctim, other.status.st_ctim);
}

ConfigFile::Stamp ConfigFile::stamp_of(const std::string& path) {
  Stamp stamp{.path = path};
  if (::stat(path.c_str(), &stamp.status) != 0) {
    stamp.error = errno;
    stamp.status = {};
  }
  return stamp;
}

bool ConfigFile::is_unchanged(const State& state, bool certificates) {
  if (!state.found.settled) return false;
  for (const Stamp& stamp : state.found.stamps) {
    if (!stamp.same_as(stamp_of(stamp.path))) return false;
    if (!certificates) break;
  }
  return true;
}

// The files as they are. Stamps come before contents: a change in between shows in the next look.
ConfigFile::Found ConfigFile::look(const std::vector<std::string>& certificates) const {
  Found found;
  std::string contents;
  const auto add = [&](const std::string& path) {
    found.stamps.push_back(stamp_of(path));
    const Stamp& stamp = found.stamps.back();
    auto text = read_file(path);
    contents += text ? '+' : '-';
    contents += std::to_string((text ? *text : text.error()).size());
    contents += ':';
    contents += text ? *text : text.error();
    if (stamp.error == 0 && std::abs(wall_ns() - ns_of(stamp.status.st_ctim)) < kSettledNs) found.settled = false;
    return text;
  };
  found.text = add(path_);
  // Only what is in them counts here; who uses them reports what cannot be read.
  for (const std::string& path : certificates) [[maybe_unused]]
    const auto text = add(path);
  found.digest = credential_key(contents, "", "");
  OPENSSL_cleanse(contents.data(), contents.size());
  return found;
}

Result<ConfigFile::Version, std::string> ConfigFile::load(const Version* before, Found& found) {
  // Files that change while they are read are read once more; if that goes on, the next request tries again.
  for (int attempt = 0; attempt < 3; ++attempt) {
    const auto text = read_file(path_);
    auto config = text ? parse_web_config(*text, std::filesystem::path(path_).parent_path().string())
                       : Result<WebConfig, std::string>(std::unexpected(text.error()));
    const WebConfig* const names_files = config ? &*config : before != nullptr ? &before->config : nullptr;
    const auto files = names_files != nullptr ? names_files->tls.files() : std::vector<std::string>();
    found = look(files);
    if (found.text != text) continue;
    auto version =
        config ? build(before, std::move(*config)) : Result<Version, std::string>(std::unexpected(config.error()));
    if (look(files).digest == found.digest) return version;
  }
  found.settled = false;
  found.digest = {};
  return std::unexpected("it changes while it is read");
}

Result<ConfigFile::Version, std::string> ConfigFile::build(const Version* before, WebConfig config) {
  if (auto users = judge_users(config); !users) return std::unexpected(users.error());
  if (before != nullptr && !before->config.users.empty() && config.users.empty()) {
    return std::unexpected("it names no users any more; a restart would be needed for that");
  }
  Version version;
  if (before == nullptr || before->tls) {
    if (before != nullptr) config.http2 = before->config.http2;
    auto settings = tls_settings(config);
    if (!settings) return std::unexpected(settings.error());
    if (before != nullptr && !*settings) {
      return std::unexpected("it has no TLS any more; a restart would be needed for that");
    }
    if (*settings) {
      auto context = tls::Context::make(**settings, tickets_);
      if (!context) return std::unexpected(context.error());
      version.tls = std::move(*context);
    }
  }
  version.config = std::move(config);
  return version;
}

Result<std::unique_ptr<ConfigFile>, std::string> ConfigFile::open(const std::string& path) {
  std::unique_ptr<ConfigFile> file(new ConfigFile(path));
  auto state = std::make_shared<State>();
  auto version = file->load(nullptr, state->found);
  if (!version) return std::unexpected(version.error());
  state->version = std::make_shared<const Version>(std::move(*version));
  file->state_ = std::move(state);
  return file;
}

std::unique_ptr<ConfigFile> ConfigFile::none() {
  std::unique_ptr<ConfigFile> file(new ConfigFile(""));
  auto state = std::make_shared<State>();
  state->version = std::make_shared<const Version>();
  file->state_ = std::move(state);
  return file;
}

// Looks at the files, and reads them where they are not what they were.
std::shared_ptr<const ConfigFile::State> ConfigFile::refreshed() {
  const std::lock_guard lock(mutex_);
  if (is_unchanged(*state_, true)) return state_;  // another worker was first
  auto next = std::make_shared<State>();
  next->version = state_->version;
  std::vector<std::string> certificates;
  for (size_t i = 1; i < state_->found.stamps.size(); ++i) certificates.push_back(state_->found.stamps[i].path);
  next->found = look(certificates);
  if (next->found.digest == state_->found.digest) {
    state_ = std::move(next);
    return state_;
  }
  auto version = load(state_->version.get(), next->found);
  if (version) {
    ++counts_.reloads;
    counts_.last_failed = false;
    next->version = std::make_shared<const Version>(std::move(*version));
    log::write(log::Level::kInfo, log::Reason::kAlways, "Web config reloaded", {{"file", path_}});
  } else {
    ++counts_.failures;
    counts_.last_failed = true;
    log::write(log::Level::kError, log::Reason::kAlways, "Unable to parse configuration",
               {{"file", path_}, {"err", version.error()}, {"note", "the last good version goes on"}});
  }
  state_ = std::move(next);
  return state_;
}

ConfigFile::Counts ConfigFile::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

ConfigFile::Reader::Reader(ConfigFile& file) : file_(file) {
  const std::lock_guard lock(file.mutex_);
  state_ = file.state_;
}

const ConfigFile::Version& ConfigFile::Reader::current(bool certificates) {
  if (!is_unchanged(*state_, certificates)) state_ = file_.refreshed();
  return *state_->version;
}

}  // namespace sluice::net::web
