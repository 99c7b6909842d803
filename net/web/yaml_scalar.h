// What a YAML 1.1 scalar is, by the rules of Go's yaml.v2.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::net::web {

struct Scalar {
  enum class Kind : uint8_t { kNull, kBool, kInt, kFloat, kText };
  Kind kind = Kind::kText;
  bool boolean = false;
  int64_t integer = 0;
  double number = 0;
};

// Of a plain scalar: neither quoted nor tagged.
[[nodiscard]] Scalar resolve_plain(std::string_view text);
// "!!str" and the like.
[[nodiscard]] std::string_view tag_of(Scalar::Kind kind) noexcept;

// As Go's time.ParseDuration, in nanoseconds: "1m30s", "-0.5h", "0"; nullopt for what it refuses.
[[nodiscard]] std::optional<int64_t> parse_duration(std::string_view text);

}  // namespace sluice::net::web
