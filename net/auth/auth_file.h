// The file of `--auth.file` of a running server: what holds now, read again when it has changed on disk, by the rules
// of the web config (net/web/config_file.h): looked at before every request, and a file that is broken, gone or emptied
// changes nothing but a line of the log and a counter.
//
// Thread: any. The lock is taken on changes alone. Lifetime: outlives whoever asks it.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "core/base/result.h"
#include "net/auth/auth_config.h"

namespace sluice::net::auth {

class AuthFile {
 public:
  struct Counts {
    uint64_t reloads = 0;
    uint64_t failures = 0;
    bool last_failed = false;
  };
  // What was found on disk, and what holds because of it.
  class State {
   public:
    // Never changed. The same object as before when nothing has.
    std::shared_ptr<const AuthConfig> config;

   private:
    friend class AuthFile;
    struct stat status_{};
    int error_ = 0;
    bool settled_ = true;  // old enough that a change would show in its status
    Result<std::string, std::string> text_{};
  };

  // Reads and judges it. The error is what the process ends with.
  [[nodiscard]] static Result<std::unique_ptr<AuthFile>, std::string> open(const std::string& path);

  // What holds now. `before`: the caller's last answer, or nullptr.
  [[nodiscard]] std::shared_ptr<const State> current(std::shared_ptr<const State> before);
  [[nodiscard]] Counts counts() const;

 private:
  explicit AuthFile(std::string path) : path_(std::move(path)) {}
  [[nodiscard]] std::shared_ptr<State> look() const;
  [[nodiscard]] bool is_unchanged(const State& state) const;

  const std::string path_;
  mutable std::mutex mutex_;
  std::shared_ptr<const State> state_;  // guarded by mutex_
  Counts counts_;                       // guarded by mutex_
};

}  // namespace sluice::net::auth
