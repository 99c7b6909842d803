// The bodies of a load: a text with places for the sequence number, what a gateway must show of it, and the same in
// protobuf or compressed.
//
// A template is exposition text in which `{{seq}}` stands for the push's sequence number and `{{seq+N}}` for one that
// is N larger, so a user's own file may carry it too. Made once, then read by every thread; append() allocates only
// while `out` grows.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/base/result.h"

namespace sluice::tools::load {

enum class BodyFormat : uint8_t { kText, kProtobuf };

// A series of the body as a scrape shows it.
struct ExpectedSeries {
  std::string identity;  // identity_of() its line
  double offset = 0;     // the value is the sequence number plus this; or just this when it does not carry one
  bool carries_sequence = false;
};

class Body {
 public:
  // Compiles a template. The error is one sentence: what the parser says of the text, or why it cannot be protobuf.
  [[nodiscard]] static Result<Body, std::string> make(std::string_view text, BodyFormat format);

  // Appends the body that carries `sequence`.
  void append(std::string& out, uint64_t sequence) const;

  [[nodiscard]] std::string_view content_type() const noexcept;
  [[nodiscard]] const std::vector<ExpectedSeries>& series() const noexcept { return series_; }
  // Index of the series with that identity, or -1.
  [[nodiscard]] int64_t find(const std::string& identity) const;
  // The name of the first family, for pushes that contradict its type.
  [[nodiscard]] const std::string& first_family() const noexcept { return first_family_; }

 private:
  struct Hole {
    size_t at = 0;      // in literal_
    uint64_t add = 0;   // text
    double offset = 0;  // protobuf: eight bytes of the sequence number plus this
  };
  [[nodiscard]] static Result<Body, std::string> compile(std::string_view text);
  [[nodiscard]] Result<void, std::string> learn_series();
  [[nodiscard]] Result<void, std::string> become_protobuf();

  BodyFormat format_ = BodyFormat::kText;
  std::string literal_;  // everything but the holes
  std::vector<Hole> holes_;
  std::vector<ExpectedSeries> series_;
  std::unordered_map<std::string, uint32_t> by_identity_;
  std::string first_family_;
};

// Compresses as one gzip member, quickly. Replaces `out`.
void compress_gzip(std::string_view in, std::string& out);

}  // namespace sluice::tools::load
