// Threads that compare passwords with bcrypt hashes, so that no worker ever does: a comparison takes 50 ms to seconds.
//
// Equal questions that wait or run are one question. The queue is bounded, and so is the part of it that one address
// may fill; beyond, the caller has to send its client away for a moment. The threads have a lower priority than the
// workers: a flood of wrong passwords gets what they leave.
//
// Threads: ask() from any worker; a Question's verdict is written by a thread of the pool and read by workers.
// Lifetime: outlives the workers; the destructor ends after the comparisons that run.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

#include "core/base/hash.h"
#include "core/sync/single_writer.h"
#include "net/web/verdict_cache.h"

namespace sluice::net::web {

class Question {
 public:
  enum class Verdict : uint8_t { kPending, kRight, kWrong };
  [[nodiscard]] Verdict verdict() const noexcept { return verdict_.get(); }

 private:
  friend class PasswordPool;
  CredentialKey key_{};
  std::string hash_;
  std::string password_;
  std::string address_;
  bool may_be_right_ = true;
  // The verdict is the whole message, so no order is needed with anything else.
  sync::SingleWriter<Verdict> verdict_;
};

class PasswordPool {
 public:
  struct Options {
    unsigned threads = 1;
    size_t waiting_max = 64;
    size_t waiting_per_address_max = 16;
    size_t verdicts_kept = 4096;
  };
  struct Ask {
    CredentialKey key;
    std::string_view hash;
    std::string_view password;
    std::string_view address;  // of the client, without its port; an IPv6 one without what a client may choose
    bool may_be_right = true;  // false: the user does not exist; the comparison is for the time that it takes
  };
  using Compare = std::function<bool(std::string_view password, std::string_view hash)>;

  // `compare`: bcrypt_matches but for tests.
  PasswordPool(const Options& options, Compare compare);
  ~PasswordPool();
  PasswordPool(const PasswordPool&) = delete;
  PasswordPool& operator=(const PasswordPool&) = delete;

  // nullptr: the queue is full.
  [[nodiscard]] std::shared_ptr<Question> ask(const Ask& ask);
  // Comparisons made so far.
  [[nodiscard]] uint64_t compared() const;

 private:
  void run();

  const Options options_;
  const Compare compare_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_.
  std::deque<std::shared_ptr<Question>> waiting_;
  std::map<CredentialKey, std::shared_ptr<Question>> open_;         // waiting or being compared
  std::unordered_map<std::string, size_t, KeyedHash> per_address_;  // waiting
  VerdictCache known_;
  uint64_t compared_ = 0;
  bool ending_ = false;

  std::vector<std::thread> threads_;
};

}  // namespace sluice::net::web
