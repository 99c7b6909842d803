// Families of plain series as varint-delimited io.prometheus.client.MetricFamily messages, as client libraries push
// them, with the places of the values.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/model/families.h"

namespace sluice::tools::load {

struct ProtobufBody {
  std::string bytes;
  std::vector<size_t> value_at;  // of each series in input order: eight bytes, little-endian
};

// The error is one sentence: histograms and summaries hold varints, whose length would change with the number.
[[nodiscard]] Result<ProtobufBody, std::string> encode_protobuf(const model::Families& families);

}  // namespace sluice::tools::load
