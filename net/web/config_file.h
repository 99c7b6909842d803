// The web config file of a running server: what holds now, read again when the file, or a certificate that it names,
// has changed on disk.
//
// The reference reads the file for each request and the certificates for each handshake. Here both are only looked at
// (stat, 1 us a file), and read when they differ, so a change holds for the next request or connection as well. What
// the start decided stays: TLS or not, http2, the rate limit.
//
// A file that is broken, gone or emptied changes nothing: the last good version goes on, the failure is logged once and
// counted. So a server never goes from some users to none, nor from TLS to plaintext, without a restart.
//
// Thread: ConfigFile by any; a Reader by its worker, which asks it before every request and every connection. The lock
// is taken on changes alone. Lifetime: ConfigFile outlives its Readers.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "core/base/result.h"
#include "net/tls/context.h"
#include "net/tls/ticket_keys.h"
#include "net/web/verdict_cache.h"
#include "net/web/web_config.h"

namespace sluice::net::web {

class ConfigFile {
 public:
  // One good content of the files. Never changed.
  struct Version {
    WebConfig config;
    std::shared_ptr<const tls::Context> tls;  // none: plaintext
  };
  struct Counts {
    uint64_t reloads = 0;
    uint64_t failures = 0;
    bool last_failed = false;
  };

  // Reads and judges everything. The error is what the process ends with.
  [[nodiscard]] static Result<std::unique_ptr<ConfigFile>, std::string> open(const std::string& path);

  // That of a server without a web config: plaintext, no users.
  [[nodiscard]] static std::unique_ptr<ConfigFile> none();

  [[nodiscard]] Counts counts() const;

  class Reader;

 private:
  struct Stamp {
    std::string path;
    struct stat status{};
    int error = 0;
    [[nodiscard]] bool same_as(const Stamp& other) const noexcept;
  };
  // What was found on disk.
  struct Found {
    std::vector<Stamp> stamps;                // the config file's first
    CredentialKey digest{};                   // of all the contents, or of why they could not be read
    bool settled = true;                      // old enough that a change of a file would show in its stamp
    Result<std::string, std::string> text{};  // of the config file
  };
  // And what holds because of it.
  struct State {
    std::shared_ptr<const Version> version;
    Found found;
  };

  explicit ConfigFile(std::string path) : path_(std::move(path)) {}
  // A new version out of what is on disk, `found` (set to what it was made of). `before`: the version in force, if any.
  [[nodiscard]] Result<Version, std::string> load(const Version* before, Found& found);
  [[nodiscard]] Result<Version, std::string> build(const Version* before, WebConfig config);
  [[nodiscard]] Found look(const std::vector<std::string>& certificates) const;
  [[nodiscard]] std::shared_ptr<const State> refreshed();
  [[nodiscard]] static Stamp stamp_of(const std::string& path);
  [[nodiscard]] static bool is_unchanged(const State& state, bool certificates);

  const std::string path_;
  tls::TicketKeys tickets_;
  mutable std::mutex mutex_;
  std::shared_ptr<const State> state_;  // guarded by mutex_
  Counts counts_;                       // guarded by mutex_
};

class ConfigFile::Reader {
 public:
  explicit Reader(ConfigFile& file);
  // What holds now; valid until the next call. `certificates`: the files of TLS are looked at, too.
  [[nodiscard]] const Version& current(bool certificates);
  // What held at the last call of current(): no look at the disk.
  [[nodiscard]] const Version& last() const noexcept { return *state_->version; }

 private:
  ConfigFile& file_;
  std::shared_ptr<const State> state_;
};

}  // namespace sluice::net::web
