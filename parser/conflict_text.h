// Why a push was refused, in the reference's words.
#pragma once

#include <string>

#include "core/model/canonical.h"
#include "core/model/families.h"
#include "core/model/group_key.h"

namespace sluice::parser {

// What the reference puts before the text in the body of its 400 (its log has the text alone).
inline constexpr const char* kConflictPrefix = "pushed metrics are invalid or inconsistent with existing metrics: ";

// The message of client_golang's registry for that conflict, without prefix and without newline: the metric in Go's
// prototext form, with one blank where Go prints one or two at random, its labels sorted and the grouping labels
// applied. Families and key are those of the push. A conflict without family is one of the key itself and is shown, as
// there, on the group's push_failure_time_seconds. Foreign text in it is cut at limits::kErrorTokenBytesMax bytes for
// each token and four times that for the metric as a whole.
[[nodiscard]] std::string conflict_text(const model::Conflict& conflict, const model::Families& families,
                                        const model::GroupKey& key);

// A metric as Go's prototext prints the message io.prometheus.client.Metric, followed by nothing:
// `label:{name:"instance" value:""} gauge:{value:1}`.
void append_prototext(std::string& out, const model::Families& families, const model::Metric& metric,
                      const model::GroupKey& key);

}  // namespace sluice::parser
