// The grouping key in the path of a push or delete: what follows `/metrics/job/` or `/metrics/job@base64/`.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "core/base/result.h"
#include "core/model/group_key.h"
#include "parser/names.h"

namespace sluice::parser {

// `key_path` is percent-decoded: the job, then `/name/value` pairs in any order; of a repeated name the last counts,
// a label `job` never does. A name with `@base64` behind it has a base64 value, as has the job when `job_is_base64`.
// With kUtf8, names are unescaped (`U__`) first.
//
// Fails with the reference's text (status 400): the job's encoding first, then the labels in order, a missing job last.
// Beyond the reference, a name that unescapes to `__...` is improper (there such a push breaks every scrape), and a key
// has at most limits::kLabelsPerKeyMax labels. Values may be any bytes; UTF-8 is the canonicaliser's affair.
[[nodiscard]] Result<model::GroupKey, std::string> parse_grouping_key(std::string_view key_path, bool job_is_base64,
                                                                      NameScheme scheme);

// Base64 with the URL-safe alphabet and without padding, as Go decodes it: line breaks are ignored, so are the unused
// bits of the last digit. `out` gets what was decoded before an error.
struct Base64Result {
  bool ok = true;
  size_t error_at = 0;  // of the byte that Go complains about
};
[[nodiscard]] Base64Result decode_base64_url(std::string_view text, std::string& out);

}  // namespace sluice::parser
