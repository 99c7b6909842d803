// Why pushes were refused, for people: the last ones, and the last error of every group whose last push failed.
//
// Both are bounded and kept in memory only. The groups themselves hold no more than the time of their last failure; who
// shows a group finds the rest here by its hash, and takes it only if the time is the same.
//
// Any worker may call anything; nothing waits. Who finds another worker at it leaves its note out, which the caller
// counts, or asks again in its next step.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/base/limits.h"

namespace sluice::net::api {

// Views are valid during the call.
struct RejectedPush {
  int64_t time_ns = 0;  // wall clock; the group's failure time if that was set
  int status = 0;       // of the answer
  std::string_view method;
  std::string_view client;        // "IP:PORT"
  std::string_view content_type;  // as sent
  std::string_view key;           // GroupKey::bytes(); empty when the path named no group
  uint64_t key_hash = 0;          // keyed
  std::string_view path;          // without a key: the target
  std::string_view reason;
  bool sets_failure_time = false;
};

class RejectLog {
 public:
  // A refused push, or several that have key, status and reason in common: time and client are the last one's.
  struct Recent {
    int64_t time_ns = 0;
    int status = 0;
    uint64_t count = 0;
    uint64_t hash = 0;  // of what they have in common
    std::string method, client, key, path, reason;
  };
  struct Detail {
    int64_t time_ns = 0;
    uint64_t key_hash = 0;
    std::string client, content_type, reason;
  };
  enum class Found : uint8_t { kYes, kNo, kBusy };
  struct Noted {
    uint64_t missed = 0;   // another worker was at it
    uint64_t evicted = 0;  // details of a group made room
  };

  // `details_max`: groups whose last error is kept.
  explicit RejectLog(size_t details_max);
  RejectLog(const RejectLog&) = delete;
  RejectLog& operator=(const RejectLog&) = delete;

  [[nodiscard]] Noted note(const RejectedPush& push);
  // What is known of the group's failure at `failure_ns`.
  [[nodiscard]] Found find(uint64_t key_hash, int64_t failure_ns, Detail& out);
  // The newest first, at most limits::kRecentRejectsMax. False: busy.
  [[nodiscard]] bool recent(std::vector<Recent>& out);

 private:
  void note_recent(const RejectedPush& push);
  [[nodiscard]] uint64_t note_detail(const RejectedPush& push);

  const size_t details_max_;
  std::mutex lock_;  // tried, never waited for; guards all below
  std::vector<Recent> recent_;
  std::vector<Detail> details_;  // a ring: the place that was taken first is reused first
  size_t next_detail_ = 0;
  std::unordered_map<uint64_t, uint32_t> detail_of_;  // keyed hash to place
};

}  // namespace sluice::net::api
