// The gateway's own metrics, rendered fresh for each scrape: the reference's names where they mean the same, sluice_*
// for the rest.
#pragma once

#include <vector>

#include "core/render/own_family.h"
#include "core/store/store.h"

namespace sluice::net::api {

class Gateway;

// Names and types of all of them, for the store's consistency check. They exist from the start.
[[nodiscard]] std::vector<store::OwnFamily> own_family_names();

// Sorted by name. Any worker.
[[nodiscard]] std::vector<render::OwnFamily> own_families(Gateway& gateway);

}  // namespace sluice::net::api
