#include "net/http/date.h"

#include <ctime>

#include <cstdio>

namespace sluice::net::http {

std::string_view DateLine::at(int64_t wall_ns) noexcept {
  const int64_t second = wall_ns / 1'000'000'000;
  if (second != second_) {
    // Names as HTTP wants them, whatever the locale.
    static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                              "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const std::time_t time = second;
    std::tm utc{};
    gmtime_r(&time, &utc);
    // The year has four digits until 9999; the modulo tells the compiler so.
    const auto part = [](int value, int below) { return static_cast<unsigned>(value) % static_cast<unsigned>(below); };
    std::snprintf(line_.data(), line_.size(), "Date: %s, %02u %s %04u %02u:%02u:%02u GMT\r\n",
                  kDays[part(utc.tm_wday, 7)], part(utc.tm_mday, 100), kMonths[part(utc.tm_mon, 12)],
                  part(utc.tm_year + 1900, 10000), part(utc.tm_hour, 100), part(utc.tm_min, 100),
                  part(utc.tm_sec, 100));
    second_ = second;
  }
  return {line_.data(), kBytes};
}

}  // namespace sluice::net::http
