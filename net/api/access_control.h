// Who may do what: implemented by net/auth for `--auth.file`. Without that file nobody is asked.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/model/group_key.h"
#include "net/http/exchange.h"

namespace sluice::net::api {

enum class Right : uint8_t {
  kPush,    // PUT and POST of a group
  kDelete,  // DELETE of a group
  kScrape,  // the telemetry path
  kAdmin,   // wipe, quit, deletion of many groups
  kUi,      // the page, its files, and what it reads
};
inline constexpr size_t kRights = static_cast<size_t>(Right::kUi) + 1;
// "push", "delete", "scrape", "admin", "ui".
[[nodiscard]] std::string_view right_name(Right right) noexcept;

// Thread: the worker's; one object for each.
class AccessControl {
 public:
  enum class Verdict : uint8_t {
    kYes,
    kUnknown,     // nothing tells who it is: 401
    kNoRight,     // 403
    kOtherGroup,  // has the right, but not for this group: 403
  };
  virtual ~AccessControl() = default;
  // Whether anything is known about who sent it.
  [[nodiscard]] virtual bool knows(const http::Exchange& exchange) = 0;
  // `key`: the group of a push or deletion; nullptr: any would do.
  [[nodiscard]] virtual Verdict judge(const http::Exchange& exchange, Right right, const model::GroupKey* key) = 0;
  // The header lines of a 401, each with its line end.
  [[nodiscard]] virtual std::string_view challenge() const = 0;
  // A request was refused, for the counter.
  virtual void on_refused(Verdict verdict) = 0;
};

}  // namespace sluice::net::api
