// A group as it lies on the disk, in whichever of our files, decoded.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "core/model/families.h"

namespace sluice::wal {

// Views into what was read: its reader says how long they live.
struct StoredFamily {
  std::string_view name;
  std::string_view help;
  bool has_help = false;
  model::MetricType type = model::MetricType::kUntyped;
  int64_t push_time_ns = 0;
  std::string_view text;
  std::string_view record;
  bool text_is_made = false;  // of a pattern: it stands in no file
  uint64_t stamp = 0;         // of the change that brought it, where that is known
};
struct StoredGroup {
  int64_t push_time_ns = 0;
  int64_t push_failure_time_ns = 0;
  std::string_view label_text;
  std::vector<StoredFamily> families;
};

}  // namespace sluice::wal
