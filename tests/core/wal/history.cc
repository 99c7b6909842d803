#include "tests/core/wal/history.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

namespace sluice::wal::testing {
namespace {

using store::ChangeKind;

bool clears(const Mutation& mutation) {
  return mutation.kind == ChangeKind::kPut || mutation.kind == ChangeKind::kErase;
}

bool sets(const Mutation& mutation, const std::string& family) { return mutation.families.contains(family); }

std::string describe(const Mutation& mutation) {
  static constexpr const char* kKinds[] = {"POST", "PUT", "FAIL", "DELETE"};
  std::string line =
      fmt::format("{} {} stamp {}{}{}", kKinds[static_cast<size_t>(mutation.kind)], mutation.group, mutation.stamp,
                  mutation.in_process ? " written" : "", mutation.on_disk ? " durable" : "");
  for (const auto& [name, text] : mutation.families) line += fmt::format(" {}={}", name, text);
  return line;
}

}  // namespace

size_t History::add(Mutation mutation) {
  all_.push_back(std::move(mutation));
  return all_.size() - 1;
}

std::string History::check(const Groups& recovered, bool power_cut) const {
  std::map<std::string, Ordered> by_group;
  for (const Mutation& mutation : all_) by_group[mutation.group].push_back(&mutation);
  for (const auto& [group, families] : recovered) {
    if (!by_group.contains(group)) return "a group that was never sent: " + group;
  }
  for (auto& [group, mutations] : by_group) {
    std::ranges::stable_sort(mutations, {}, &Mutation::stamp);
    const auto found = recovered.find(group);
    std::string wrong = check_group(mutations, group, found == recovered.end() ? nullptr : &found->second, power_cut);
    if (wrong.empty()) continue;
    wrong += "\nhistory:";
    for (const Mutation* mutation : mutations) wrong += "\n  " + describe(*mutation);
    wrong += "\nrecovered:";
    if (found == recovered.end()) return wrong + " no such group";
    for (const auto& [name, text] : found->second) wrong += fmt::format("\n  {}={}", name, text);
    return wrong;
  }
  return {};
}

std::string History::check_group(const Ordered& mutations, const std::string& group, const Families* families,
                                 bool power_cut) const {
  const auto secured = [&](size_t i) {
    return power_cut ? mutations[i]->on_disk : mutations[i]->in_process || mutations[i]->on_disk;
  };
  // Whether something behind `i` may have ended what it did.
  const auto cleared_behind = [&](size_t i, bool erase_only) {
    for (size_t k = i + 1; k < mutations.size(); ++k) {
      if (erase_only ? mutations[k]->kind == ChangeKind::kErase : clears(*mutations[k])) return true;
    }
    return false;
  };
  if (families == nullptr) {
    for (size_t i = mutations.size(); i-- > 0;) {
      if (!secured(i) || mutations[i]->kind == ChangeKind::kErase) continue;
      if (!cleared_behind(i, true)) return fmt::format("{} is missing: {}", group, describe(*mutations[i]));
    }
    return {};
  }
  // Where each family comes from.
  std::map<std::string, size_t> origins;
  std::set<size_t> present;
  for (const auto& [name, text] : *families) {
    size_t origin = mutations.size();
    for (size_t i = 0; i < mutations.size(); ++i) {
      const auto pushed = mutations[i]->families.find(name);
      if (pushed != mutations[i]->families.end() && pushed->second == text) origin = i;
    }
    if (origin == mutations.size()) return fmt::format("{} {} was never sent", group, text);
    origins[name] = origin;
    present.insert(origin);
  }
  // What is known to have happened, because it was secured or can be seen.
  for (size_t i = 0; i < mutations.size(); ++i) {
    const Mutation& happened = *mutations[i];
    if (!secured(i) && !present.contains(i)) continue;
    for (const auto& [name, origin] : origins) {
      if (origin < i && (clears(happened) || sets(happened, name)))
        return fmt::format("{} {} is older than {}", group, name, describe(happened));
    }
    for (const auto& [name, text] : happened.families) {
      if (!origins.contains(name) && !cleared_behind(i, false))
        return fmt::format("{} {} is missing of {}", group, name, describe(happened));
      if (present.contains(i) && !origins.contains(name))
        return fmt::format("{} is there in part: {} is missing of {}", group, name, describe(happened));
    }
  }
  return {};
}

void History::restart(const Groups& recovered, uint64_t stamp_max, bool power_cut) {
  if (power_cut) {
    // What is there now is all that is on disk.
    std::set<std::string> groups;
    for (const Mutation& mutation : all_) groups.insert(mutation.group);
    all_.clear();
    for (const std::string& group : groups) {
      const auto found = recovered.find(group);
      Mutation base{ChangeKind::kErase, stamp_max, group, {}, true, true};
      if (found != recovered.end()) base.kind = ChangeKind::kPut, base.families = found->second;
      all_.push_back(std::move(base));
    }
    return;
  }
  // A DELETE that only a snapshot knows of has no stamp on disk.
  std::erase_if(all_, [&](Mutation& mutation) {
    if (mutation.stamp <= stamp_max) return false;
    mutation.stamp = stamp_max;
    return mutation.kind != ChangeKind::kErase;
  });
  // What is served now survives this process, too.
  for (Mutation& mutation : all_) {
    const auto group = recovered.find(mutation.group);
    if (group == recovered.end()) continue;
    for (const auto& [name, text] : mutation.families) {
      const auto family = group->second.find(name);
      if (family != group->second.end() && family->second == text) mutation.in_process = true;
    }
  }
}

}  // namespace sluice::wal::testing
