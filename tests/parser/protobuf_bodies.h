// Protobuf bodies for tests and benches: families as client libraries write them, and messages by hand.
#pragma once

#include <protozero/pbf_writer.hpp>
#include <string>
#include <string_view>

#include "core/model/families.h"

namespace sluice::parser::test {

// `families` as delimited MetricFamily messages, fields in the order of their numbers, buckets with their +Inf one.
[[nodiscard]] std::string protobuf_body(const model::Families& families);

// A message with its length before it.
[[nodiscard]] std::string delimited(std::string_view message);

// The message that `fill(writer)` writes.
template <typename Fill>
[[nodiscard]] std::string message(Fill fill) {
  std::string out;
  protozero::pbf_writer writer(out);
  fill(writer);
  return out;
}

}  // namespace sluice::parser::test
