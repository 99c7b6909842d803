// From a stored family back to what its push was parsed into.
#pragma once

#include <string>

#include "core/model/families.h"
#include "core/wal/state_file.h"

namespace sluice::net::api {

// Appends the family as a text body that a push could have had; not for one with a record.
void append_stored_text(std::string& body, const wal::StoredFamily& family);
// Appends it as a delimited protobuf message, from its record.
void append_stored_record(std::string& body, const wal::StoredFamily& family);

}  // namespace sluice::net::api
