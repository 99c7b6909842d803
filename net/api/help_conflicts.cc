#include "net/api/help_conflicts.h"

#include <string>
#include <string_view>

#include "core/base/hash.h"
#include "core/base/limits.h"
#include "core/base/log.h"

namespace sluice::net::api {

namespace {

// Of a name or a help in a log line.
constexpr size_t kShownBytesMax = 256;

std::string shown(std::string_view text) { return std::string(text.substr(0, kShownBytesMax)); }

}  // namespace

void HelpConflicts::note(const render::HelpConflict& conflict) {
  {
    const std::unique_lock lock(lock_, std::try_to_lock);
    if (!lock.owns_lock() || logged_.size() >= limits::kFamilyNamesMax) return;
    if (!logged_.insert(keyed_hash(conflict.family)).second) return;
  }
  log::write(
      log::Level::kInfo, log::Reason::kHelpConflict, "metric families inconsistent help strings",
      {{"metric_family", shown(conflict.family)},
       {"shown", shown(conflict.shown)},
       {"other", shown(conflict.other)},
       {"err", "Metric families have inconsistent help strings. One of them is shown. Fix your pushed metrics."}});
}

}  // namespace sluice::net::api
