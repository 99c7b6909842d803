// Raw HTTP/1 cases with the reactions that are allowed: a committed set that always runs (http1_own_cases.cc), and the
// outside collection ../shared/cases/http1.json where it is present.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace sluice::net::http {

struct Http1Case {
  enum class Close : uint8_t { kMay, kMust, kMustNot };
  std::string id;
  std::vector<std::string> parts;  // sent one after the other
  bool byte_by_byte = false;
  bool half_close = false;  // the client shuts its write side after sending
  std::vector<int> status;  // allowed for the first response; empty: any
  int responses_min = 0;
  int responses_max = 1 << 20;
  // Most responses that are not complaints (400, 501, 505): where no verdict is given, what the reference served.
  int served_max = 1 << 20;
  Close close = Close::kMay;
};

// What a server did.
struct Reaction {
  std::vector<int> statuses;
  bool closed = false;
};

// Empty when `reaction` is allowed, else what is wrong with it.
[[nodiscard]] std::string judge(const Http1Case& wanted, const Reaction& reaction);

[[nodiscard]] std::vector<Http1Case> own_http1_cases();
// nullopt when the collection is not there.
[[nodiscard]] std::optional<std::vector<Http1Case>> outside_http1_cases();

}  // namespace sluice::net::http
