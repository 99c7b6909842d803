// Giving back the memory of containers that were once larger than usual. clear() keeps it, and so does `text = {}`,
// which is the assignment of an empty list of characters.
#pragma once

#include <cstddef>

namespace sluice {

// Frees what the container holds when it has room for more than `kept` elements. Its elements are gone then.
template <typename Container>
void give_back_above(Container& container, size_t kept) noexcept {
  if (container.capacity() > kept) Container().swap(container);
}

}  // namespace sluice
