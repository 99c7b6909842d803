// The lines around and beside the fragments: HELP and TYPE of a family, and the two time series of a group.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/go_float.h"
#include "core/model/families.h"
#include "core/render/escape_names.h"

namespace sluice::render {

// `# HELP name help` (when there is one) and `# TYPE name type`. A gauge histogram is a histogram in this format.
void append_family_header(std::string& out, std::string_view name, bool has_help, std::string_view help,
                          model::MetricType type, NameEscaping escaping);

// Room that write_time_line needs beside name and label text.
inline constexpr size_t kTimeLineRoom = kGoFloatRoom + 8;

// `name{label_text} seconds`, with the seconds as Go computes and prints them: a float64 of the nanoseconds, divided by
// 1e9. Returns the end.
[[nodiscard]] char* write_time_line(char* out, std::string_view name, std::string_view label_text, int64_t time_ns);

}  // namespace sluice::render
