// The Date field, rendered once a second.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace sluice::net::http {

// One per worker, used by that worker only.
class DateLine {
 public:
  // "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n" for the given wall clock. The view is valid until the next call.
  [[nodiscard]] std::string_view at(int64_t wall_ns) noexcept;

 private:
  static constexpr size_t kBytes = 37;
  int64_t second_ = -1;
  std::array<char, kBytes + 1> line_{};
};

}  // namespace sluice::net::http
