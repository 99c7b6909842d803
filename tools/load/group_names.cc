#include "tools/load/group_names.h"

#include <fmt/format.h>

#include <charconv>

namespace sluice::tools::load {

std::optional<uint64_t> GroupNames::number_in(std::string_view instance) noexcept {
  if (!instance.starts_with(kPrefix)) return std::nullopt;
  const char* const begin = instance.data() + kPrefix.size();
  const char* const end = instance.data() + instance.size();
  uint64_t number = 0;
  const auto [rest, status] = std::from_chars(begin, end, number);
  if (status != std::errc() || rest != end || (*begin == '0' && rest - begin > 1)) return std::nullopt;
  return number;
}

std::string GroupNames::group_text(uint64_t number) const {
  return fmt::format("{{instance=\"{}{}\",job=\"{}\"}}", kPrefix, number, job_);
}

}  // namespace sluice::tools::load
