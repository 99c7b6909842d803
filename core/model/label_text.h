// A grouping key as the text format spells it between the braces.
#pragma once

#include <span>
#include <string>

#include "core/model/group_key.h"

namespace sluice::model {

// `a="x",instance="",job="t"`: sorted by name, values escaped, `instance=""` added when the key has none; names that
// are not legacy names are quoted (expfmt.MetricFamilyToText of client_golang does the same).
void append_label_text(std::string& out, const GroupKey& key);

// The same for a series of the group: the labels of the body, overwritten by and merged with those of the key.
void append_series_label_text(std::string& out, const GroupKey& key, std::span<const LabelPair> body);

}  // namespace sluice::model
