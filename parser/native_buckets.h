// The buckets of a native histogram as the JSON API lists them: [boundaries, lower, upper, count], ascending.
//
// Counts come from spans and either deltas (integer histograms) or counts (float ones). Empty buckets are left out. A
// schema that has no bounds (custom buckets, or finer than any) has no buckets here; the reference panics on most of
// these. A resumable machine; one owner, one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace sluice::parser {

inline constexpr int32_t kNativeSchemaMax = 8;

// Upper bound of bucket `index`. `schema` at most kNativeSchemaMax.
[[nodiscard]] double native_bound(int32_t index, int32_t schema) noexcept;

class NativeBuckets {
 public:
  struct Span {
    int32_t offset = 0;
    uint32_t length = 0;
  };
  // One side of zero.
  struct Side {
    std::vector<Span> spans;
    std::vector<int64_t> deltas;
    std::vector<double> counts;
    void clear() {
      spans.clear();
      deltas.clear();
      counts.clear();
    }
  };

  // What the message said; to be filled before start().
  Side negative, positive;
  int32_t schema = 0;
  double zero_threshold = 0;
  uint64_t zero_count = 0;
  double zero_count_float = 0;

  void clear();
  // Some bucket was ever meant to be there: what the reference takes for a native histogram.
  [[nodiscard]] bool has_spans() const noexcept { return !negative.spans.empty() || !positive.spans.empty(); }

  // Begins with the buckets; `floats`: counts are floats.
  void start(bool floats);
  // Appends some of them, commas between, without brackets; true when that was all.
  [[nodiscard]] bool step(std::string& out);

 private:
  enum class Phase : uint8_t { kReadNegative, kNegative, kZero, kPositive, kDone };
  struct Bucket {
    int32_t index = 0;
    int64_t count = 0;
    double count_float = 0;
    [[nodiscard]] bool empty(bool floats) const noexcept { return floats ? count_float == 0 : count == 0; }
  };

  void begin_side(const Side& side);
  // The next bucket of the side, or false behind the last and when `work` has run out (then `work` is 0).
  [[nodiscard]] bool next(Bucket& bucket, uint32_t& work);
  void write(std::string& out, const Bucket& bucket, bool positive_side);
  void write_entry(std::string& out, int boundaries, double lower, double upper, const Bucket& bucket);

  bool floats_ = false;
  bool first_ = true;
  Phase phase_ = Phase::kDone;
  std::vector<Bucket> negatives_;  // not empty ones, from zero down

  const Side* side_ = nullptr;
  size_t span_ = 0;
  uint32_t in_span_ = 0;
  size_t bucket_ = 0;
  Bucket current_;
  bool moved_ = false;  // current_.index stands for the bucket that is looked for
};

}  // namespace sluice::parser
