// The two hashes of the project and the checksum of its files, all XXH3-64.
//
// keyed_hash: for every table that foreign bytes reach. Its 192-byte secret is random for each process: a fixed or
// merely seeded hash can be attacked with prepared collisions. Never written to disk, never shown.
// stable_hash: unkeyed, for what must be the same across restarts and machines (scrape shards, page ids, partitions);
// never used to place anything in a table.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sluice {

[[nodiscard]] uint64_t keyed_hash(std::string_view bytes) noexcept;
[[nodiscard]] uint64_t stable_hash(std::string_view bytes) noexcept;

// For the unordered containers whose keys are foreign bytes: std::hash has a seed that everybody knows.
struct KeyedHash {
  using is_transparent = void;
  [[nodiscard]] size_t operator()(std::string_view bytes) const noexcept { return keyed_hash(bytes); }
};

// checksum: of what is written to disk. A seed that says where it stands makes what stands elsewhere not verify.
[[nodiscard]] uint64_t checksum(std::string_view bytes, uint64_t seed) noexcept;

// Replaces the process's secret; only for tests that need reproducible tables, before any table exists.
void set_hash_secret_for_test(uint64_t seed) noexcept;

}  // namespace sluice
