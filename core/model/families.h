// Parsed metric families: what every parser (text, protobuf, later OTLP) produces and what the canonicaliser reads.
//
// The shape of io.prometheus.client.MetricFamily, flattened into pooled arrays linked by index, so that parsing a push
// into a reused Families allocates nothing once the pools have grown. Families stand in the order of their first
// appearance; the metrics of a family and the points of a metric are singly linked lists (text may interleave them);
// the labels of a metric are contiguous, in input order, without `__name__`, and without `le`/`quantile` where these
// became points.
//
// Lifetime: string views point into the body that was parsed or into `arena`; both must outlive every use. One owner,
// one thread. clear() keeps the capacity.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>

#include "core/base/large_memory.h"

namespace sluice::model {

// Values as io.prometheus.client.MetricType has them on the wire.
enum class MetricType : uint8_t {
  kCounter = 0,
  kGauge = 1,
  kSummary = 2,
  kUntyped = 3,
  kHistogram = 4,
  kGaugeHistogram = 5,
};
inline constexpr MetricType kMetricTypeLast = MetricType::kGaugeHistogram;

inline constexpr uint32_t kNone = UINT32_MAX;

struct LabelPair {
  std::string_view name;
  std::string_view value;
};

// A quantile of a summary, or a bucket of a histogram.
struct Point {
  double bound = 0;       // quantile, or upper bound of the bucket
  double value = 0;       // value at the quantile, or the cumulative count as a float (when counts_are_float)
  uint64_t count = 0;     // cumulative count of the bucket
  uint32_t next = kNone;  // next point of the same metric, in input order
};

// Which optional fields the input carried. Text output does not depend on them; protobuf output does.
enum MetricField : uint16_t {
  kHasTimestamp = 1 << 0,
  kHasCount = 1 << 1,
  kHasSum = 1 << 2,
  kCountsAreFloat = 1 << 3,  // histogram with float counts
  kHasCreated = 1 << 4,
  kHasExemplar = 1 << 5,
  kIsNative = 1 << 6,      // native histogram; `exact` holds it
  kNeedsRecord = 1 << 7,   // the text form does not say all of it; `exact` does
  kWrongContent = 1 << 8,  // protobuf: it lacks the content of its family's type (a gauge without `gauge`)
};

struct Metric {
  double value = 0;             // counter, gauge, untyped
  double sum = 0;               // summary, histogram
  double count_float = 0;       // histogram with kCountsAreFloat
  uint64_t count = 0;           // summary, histogram
  int64_t timestamp_ms = 0;     // with kHasTimestamp
  std::string_view value_text;  // the value as it stood in a text body; empty when the source was not text
  std::string_view exact;       // the io.prometheus.client.Metric message as it came, from a protobuf body
  uint32_t family = kNone;
  uint32_t next = kNone;      // next metric of the same family, in input order
  uint32_t labels_begin = 0;  // into Families::labels
  uint32_t labels_count = 0;
  uint32_t points_first = kNone;  // into Families::points
  uint32_t points_last = kNone;
  uint32_t points_count = 0;
  uint16_t fields = 0;  // MetricField bits
};

struct Family {
  std::string_view name;
  std::string_view help;      // unescaped
  bool has_help = false;      // "# HELP x " without text is a help that is empty
  bool needs_record = false;  // some metric has kNeedsRecord
  MetricType type = MetricType::kUntyped;
  uint32_t metrics_first = kNone;  // into Families::metrics
  uint32_t metrics_last = kNone;
  uint32_t metrics_count = 0;
};

// Bump memory for strings that had to be rewritten (escapes). Views stay valid until clear().
class StringArena {
 public:
  // Reserves `bytes` writable bytes.
  [[nodiscard]] char* allocate(size_t bytes) {
    if (used_ + bytes > capacity_) grow(bytes);
    char* out = chunks_.back().get() + used_;
    used_ += bytes;
    return out;
  }
  [[nodiscard]] std::string_view store(std::string_view text) {
    char* out = allocate(text.size());
    text.copy(out, text.size());
    return {out, text.size()};
  }
  void clear() {
    if (chunks_.size() > 1) chunks_.erase(chunks_.begin(), chunks_.end() - 1);
    used_ = 0;
  }
  // Of the memory that clear() would keep.
  [[nodiscard]] size_t capacity() const noexcept { return capacity_; }

 private:
  struct Free {
    size_t bytes;
    void operator()(char* chunk) const noexcept { LargeAllocator<char>().deallocate(chunk, bytes); }
  };
  void grow(size_t bytes) {
    capacity_ = capacity_ * 2 > bytes ? capacity_ * 2 : bytes;
    if (capacity_ < 4096) capacity_ = 4096;
    chunks_.emplace_back(LargeAllocator<char>().allocate(capacity_), Free{capacity_});
    used_ = 0;
  }

  std::deque<std::unique_ptr<char[], Free>> chunks_;
  size_t capacity_ = 0;  // of the last chunk
  size_t used_ = 0;      // of the last chunk
};

struct Families {
  LargeVector<Family> families;
  LargeVector<Metric> metrics;
  LargeVector<LabelPair> labels;
  LargeVector<Point> points;
  StringArena arena;

  void clear() {
    families.clear();
    metrics.clear();
    labels.clear();
    points.clear();
    arena.clear();
  }

  // Appends an empty metric to `family` and returns its index.
  uint32_t add_metric(uint32_t family) {
    const auto index = static_cast<uint32_t>(metrics.size());
    Family& owner = families[family];
    if (owner.metrics_last == kNone) {
      owner.metrics_first = index;
    } else {
      metrics[owner.metrics_last].next = index;
    }
    owner.metrics_last = index;
    ++owner.metrics_count;
    Metric& metric = metrics.emplace_back();
    metric.family = family;
    metric.labels_begin = static_cast<uint32_t>(labels.size());
    return index;
  }

  // Appends a point to `metric`; its `next` is set here.
  void add_point(uint32_t metric, const Point& point) {
    const auto index = static_cast<uint32_t>(points.size());
    Metric& owner = metrics[metric];
    if (owner.points_last == kNone) {
      owner.points_first = index;
    } else {
      points[owner.points_last].next = index;
    }
    owner.points_last = index;
    ++owner.points_count;
    points.push_back(point);
    points.back().next = kNone;
  }
};

}  // namespace sluice::model
