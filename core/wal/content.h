// The content of a file of the real disk, for Storage::read().
#pragma once

#include <cstddef>
#include <memory>

#include "core/base/result.h"
#include "core/wal/storage.h"

namespace sluice::wal {

// The first `bytes` of an open file, which may be closed afterwards. Nothing is copied where the disk gives all of
// them; else they are, with zeros for what it does not give (Content::unreadable()): to touch that in a mapped file
// would be a SIGBUS. The error: a number of errno.
[[nodiscard]] Result<std::unique_ptr<Content>, int> read_content(int file, size_t bytes);

}  // namespace sluice::wal
