// From a stored family back to what its push was parsed into.
#pragma once

#include <string>
#include <string_view>

#include "core/model/group_key.h"
#include "core/wal/state_file.h"

namespace sluice::net::api {

// Appends the family as a text body that a push to the group `key` could have had: without the labels that the group
// gives to each series, so that what the jobs of a fleet have pushed differs by its numbers only. `label_text` is that
// of the key. Not for one with a record.
void append_stored_text(std::string& body, const wal::StoredFamily& family, const model::GroupKey& key,
                        std::string_view label_text);
// The same, with these labels.
void append_whole_text(std::string& body, const wal::StoredFamily& family);
// Appends it as a delimited protobuf message, from its record.
void append_stored_record(std::string& body, const wal::StoredFamily& family);

}  // namespace sluice::net::api
