// What is sent next and its bytes: methods by their shares, groups by their popularity, churn, and the bad ones.
//
// One owner, one thread. No allocation once the buffers have grown.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tools/load/body.h"
#include "tools/load/group_names.h"
#include "tools/load/groups.h"
#include "tools/load/options.h"
#include "tools/load/popularity.h"
#include "tools/load/random.h"

namespace sluice::tools::load {

enum class RequestKind : uint8_t { kPush, kDelete, kRetire, kInvalid, kConflicting };

struct Request {
  RequestKind kind = RequestKind::kPush;
  uint64_t slot = 0;
  Operation operation;  // not of bad ones
};

class Requests {
 public:
  // All of it outlives this.
  Requests(const Options& options, const Body& body, const GroupNames& names, uint32_t thread, Groups& groups);

  // A push of each group in turn; false when all had theirs.
  [[nodiscard]] bool next_of_fill(Request& out);
  [[nodiscard]] Request next();

  // Appends the request's bytes to `out`.
  void write(const Request& request, std::string& out);

  // What is known of it now. A conflict needs something to contradict, so none is made before the first push.
  void acknowledged(const Request& request);
  void refused(const Request& request);
  void unknown(const Request& request);

  [[nodiscard]] static bool is_bad(const Request& request) noexcept {
    return request.kind == RequestKind::kInvalid || request.kind == RequestKind::kConflicting;
  }

 private:
  [[nodiscard]] bool next_of_churn(Request& out);
  [[nodiscard]] uint64_t pick_slot();
  void write_body(std::string& out, const char* method, std::string_view job, uint64_t number, std::string_view body);

  const Options& options_;
  const Body& body_;
  const GroupNames& names_;
  const uint32_t thread_;
  Groups& groups_;
  const Popularity popularity_;
  Random random_;
  uint64_t fill_next_ = 0;
  uint64_t churn_next_ = 0;
  std::vector<uint64_t> fresh_;  // slots whose group was retired: a new one comes at once
  bool anything_stored_ = false;
  std::string before_path_;  // " /prefix/metrics/job/"
  std::string fields_;       // from " HTTP/1.1" to the last field that is always the same
  std::string body_bytes_;
  std::string packed_;
};

}  // namespace sluice::tools::load
