// A number of a body as a parser has met it: where it stands, and what of the families it became.
#pragma once

#include <cstdint>

namespace sluice::parser {

// Of a text body, its spelling; of a protobuf body, eight bytes of a double or the bytes of a varint.
struct TextNumber {
  enum class Meaning : uint8_t {
    kValue,           // Metric::value and value_text
    kSum,             // Metric::sum
    kSummaryCount,    // Metric::count
    kHistogramCount,  // Metric::count, which must be whole
    kQuantile,        // Point::value
    kBucket,          // Point::count, which must be whole
    kNothing,         // a point whose bound is NaN: read, and dropped
  };

  uint32_t begin = 0;  // into the body
  uint32_t end = 0;
  uint32_t at = 0;  // into Families::points for kQuantile and kBucket, into Families::metrics for the others
  Meaning meaning = Meaning::kNothing;

  // Any number will do; of the others only a whole one that is not negative.
  [[nodiscard]] bool is_double() const noexcept {
    return meaning == Meaning::kValue || meaning == Meaning::kSum || meaning == Meaning::kQuantile;
  }
  [[nodiscard]] bool is_of_point() const noexcept {
    return meaning == Meaning::kQuantile || meaning == Meaning::kBucket;
  }
};

}  // namespace sluice::parser
