// Patterns in the log: the payload of a pattern's record, and the text of a push that refers to it. README.md of this
// folder has the format.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/model/canonical.h"
#include "core/wal/stored_group.h"

namespace sluice::wal {

// Appends what a pattern's record says behind its number: of the pattern that `push` was written from, with the push's
// families.
void append_pattern_payload(std::string& out, const model::CanonicalPush& push);

// The families of a push of the pattern with this payload, under these labels: its numbers are the lines of `numbers`.
// Their texts are put into `text`, and views of them are valid as long as that stays as it is. False when the three do
// not belong together; `out` and `text` are unusable then.
[[nodiscard]] bool fill_pattern(std::string_view payload, std::string_view label_text, std::string_view numbers,
                                std::string& text, std::vector<StoredFamily>& out);

}  // namespace sluice::wal
