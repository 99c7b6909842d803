// Why stored metrics cannot be shown together, in the words that the reference has for it at a scrape. The fragments
// are read back into families for that: it happens once for each failed scrape.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/model/version.h"

namespace sluice::net::api {

// Family `family` of the version's shape is not of `type`, which the family has elsewhere (`own`: here, by ourselves).
[[nodiscard]] std::string type_inconsistency(const model::Version& version, uint32_t family, model::MetricType type,
                                             bool own);
// The metric `index` of that fragment was there before.
[[nodiscard]] std::string duplicate_inconsistency(const model::Version& version, uint32_t family, uint32_t index);
// The fragment is inconsistent in itself.
[[nodiscard]] std::string fragment_inconsistency(const model::Version& version, uint32_t family);
// Two names: one is the other with the suffix of a part of a summary or histogram.
[[nodiscard]] std::string collision_inconsistency(std::string_view name, std::string_view other,
                                                  model::MetricType other_type);

}  // namespace sluice::net::api
