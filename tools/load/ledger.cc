#include "tools/load/ledger.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <iterator>
#include <system_error>

#include "tools/load/group_names.h"

namespace sluice::tools::load {

namespace {

constexpr std::string_view kFirstLine = "sluice-load ledger 1";
// As the flags allow.
constexpr uint64_t kGroupsMax = 20'000'000;
constexpr uint32_t kThreadsMax = 64;

template <typename Number>
bool take_number(std::string_view& text, Number& out) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  const auto [rest, status] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (status != std::errc()) return false;
  text.remove_prefix(static_cast<size_t>(rest - text.data()));
  return true;
}

template <typename Number>
bool take_only(std::string_view text, Number& out) {
  return take_number(text, out) && text.empty();
}

// Slots for every thread, once it is known how many.
bool make_groups(Ledger& ledger) {
  if (ledger.threads == 0 || ledger.threads > kThreadsMax || ledger.groups > kGroupsMax) return false;
  if (ledger.groups < ledger.threads) return false;
  const GroupNames names(ledger.job, ledger.groups, ledger.threads);
  for (uint32_t thread = 0; thread < ledger.threads; ++thread) ledger.of_threads.emplace_back(names.groups_of(thread));
  return true;
}

bool take_group(std::string_view text, Ledger& ledger) {
  uint32_t thread = 0;
  uint64_t slot = 0;
  Groups::Known known;
  const bool read = take_number(text, thread) && take_number(text, slot) && take_number(text, known.generation) &&
                    take_number(text, known.sent) && take_number(text, known.floor) &&
                    take_only(text, known.last_delete);
  if (!read || thread >= ledger.of_threads.size() || slot >= ledger.of_threads[thread].size()) return false;
  const bool possible = known.floor <= known.sent && known.last_delete <= known.sent;
  const Groups::Known before = ledger.of_threads[thread].known(slot);
  if (!possible || before.sent != 0 || before.generation != 0) return false;
  ledger.of_threads[thread].restore(slot, known);
  return true;
}

bool take_line(std::string_view line, Ledger& ledger) {
  const size_t space = line.find(' ');
  if (space == std::string_view::npos) return false;
  const std::string_view key = line.substr(0, space);
  const std::string_view value = line.substr(space + 1);
  if (key == "group") return take_group(value, ledger);
  if (!ledger.of_threads.empty()) return false;  // the facts come before the groups
  if (key == "job") {
    ledger.job = value;
  } else if (key == "body") {
    ledger.body_name = value;
  } else if (key == "format") {
    ledger.format = value == "protobuf" ? BodyFormat::kProtobuf : BodyFormat::kText;
    return value == "text" || value == "protobuf";
  } else if (key == "groups") {
    return take_only(value, ledger.groups);
  } else if (key == "threads") {
    return take_only(value, ledger.threads) && make_groups(ledger);
  } else {
    return false;
  }
  return true;
}

}  // namespace

std::string ledger_text(const Ledger& head, const std::vector<const Groups*>& groups) {
  std::string out =
      fmt::format("{}\njob {}\nbody {}\nformat {}\ngroups {}\nthreads {}\n", kFirstLine, head.job, head.body_name,
                  head.format == BodyFormat::kText ? "text" : "protobuf", head.groups, head.threads);
  for (size_t thread = 0; thread < groups.size(); ++thread) {
    for (uint64_t slot = 0; slot < groups[thread]->size(); ++slot) {
      const Groups::Known known = groups[thread]->known(slot);
      if (known.sent == 0 && known.generation == 0) continue;
      fmt::format_to(std::back_inserter(out), "group {} {} {} {} {} {}\n", thread, slot, known.generation, known.sent,
                     known.floor, known.last_delete);
    }
  }
  return out;
}

Result<Ledger, std::string> parse_ledger(std::string_view text) {
  Ledger ledger;
  for (size_t number = 1; !text.empty(); ++number) {
    const size_t end = text.find('\n');
    // A file that was not written to its end must not pass for one with fewer groups.
    if (end == std::string_view::npos) return std::unexpected(fmt::format("line {} does not end", number));
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end + 1);
    if (number == 1 ? line != kFirstLine : !take_line(line, ledger)) {
      return std::unexpected(fmt::format("line {} is not one of a ledger: {}", number, line));
    }
  }
  if (ledger.of_threads.empty()) return std::unexpected("it is not complete");
  return ledger;
}

}  // namespace sluice::tools::load
