// The flags `--limits.NAME`: how their values are written, and the table of them that `sluice limits` prints.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/limit_table.h"

namespace sluice::tools {

// Numbers, bytes as `1000`, `64KiB`, `256MiB`, `2GiB`, durations as Go writes them. nullopt for what is none of them or
// outside of the entry's bounds.
[[nodiscard]] std::optional<uint64_t> parse_limit(const limits::Entry& entry, std::string_view text);

// As parse_limit() reads it.
[[nodiscard]] std::string format_limit(const limits::Entry& entry, uint64_t value);

// A table in Markdown with a line for each entry: flag, meaning, default, status, counter.
[[nodiscard]] std::string limits_page();

}  // namespace sluice::tools
