// Operating errors are values: std::expected under the house's name.
#pragma once

#include <expected>

namespace sluice {

template <typename T, typename E>
using Result = std::expected<T, E>;

template <typename E>
using Unexpected = std::unexpected<E>;

}  // namespace sluice
