#include "core/base/rfc3339.h"

#include <cstdlib>
#include <ctime>

namespace sluice {

namespace {

constexpr int64_t kSecondNs = 1'000'000'000;

void append_digits(std::string& out, int64_t value, int width) {
  char digits[16];
  for (int i = width; i-- > 0; value /= 10) digits[i] = static_cast<char>('0' + value % 10);
  out.append(digits, static_cast<size_t>(width));
}

void append_fraction(std::string& out, int64_t ns) {
  if (ns == 0) return;
  int width = 9;
  for (; ns % 10 == 0; ns /= 10) --width;
  out += '.';
  append_digits(out, ns, width);
}

void append_zone(std::string& out, long offset_s) {
  if (offset_s == 0) {
    out += 'Z';
    return;
  }
  out += offset_s < 0 ? '-' : '+';
  const long minutes = std::labs(offset_s) / 60;
  append_digits(out, minutes / 60, 2);
  out += ':';
  append_digits(out, minutes % 60, 2);
}

}  // namespace

void append_rfc3339(std::string& out, int64_t wall_ns) {
  // Rounded down, so that the fraction is not negative before 1970.
  const int64_t fraction = (wall_ns % kSecondNs + kSecondNs) % kSecondNs;
  const time_t seconds = (wall_ns - fraction) / kSecondNs;
  tm local{};
  localtime_r(&seconds, &local);
  append_digits(out, local.tm_year + 1900, 4);
  out += '-';
  append_digits(out, local.tm_mon + 1, 2);
  out += '-';
  append_digits(out, local.tm_mday, 2);
  out += 'T';
  append_digits(out, local.tm_hour, 2);
  out += ':';
  append_digits(out, local.tm_min, 2);
  out += ':';
  append_digits(out, local.tm_sec, 2);
  append_fraction(out, fraction);
  append_zone(out, local.tm_gmtoff);
}

}  // namespace sluice
