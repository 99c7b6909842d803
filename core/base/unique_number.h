// Numbers that name things for as long as the process lives.
#pragma once

#include <cstdint>

namespace sluice {

// Never 0, and never the same twice. Takes a mutex: for what is made now and then, not for every request. Any thread.
[[nodiscard]] uint64_t unique_number() noexcept;

}  // namespace sluice
