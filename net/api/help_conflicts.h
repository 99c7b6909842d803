// Families that groups push with different helps: a scrape shows one of them, and each family is logged once.
//
// The scrape notices them, since it has the helps side by side; a push never looks. Any worker may call note(), which
// never waits: when another worker is at it, the next scrape comes by again. At most limits::kFamilyNamesMax families
// are remembered; beyond that nothing is logged.
#pragma once

#include <cstdint>
#include <mutex>
#include <unordered_set>

#include "core/render/family_walk.h"

namespace sluice::net::api {

class HelpConflicts {
 public:
  HelpConflicts() = default;
  HelpConflicts(const HelpConflicts&) = delete;
  HelpConflicts& operator=(const HelpConflicts&) = delete;

  void note(const render::HelpConflict& conflict);

 private:
  std::mutex lock_;
  std::unordered_set<uint64_t> logged_;  // guarded by lock_; hashes of names
};

}  // namespace sluice::net::api
