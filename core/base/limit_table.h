// The limits that an operator may turn, in one table: `--limits.NAME` sets one,
// `sluice_limit_refusals_total{limit="NAME"}` counts what it refused. README's table is made from it
// (tools/lib/limits_page.py), and tests/e2e/limits.py goes at each row: at the limit accepted, one past it refused.
// Fixed limits, and the derivations of most defaults: limits.h.
//
// What is at its limit still takes a DELETE, and a push that does not grow what the limit is about.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/base/limits.h"

namespace sluice::limits {

enum class Limit : uint8_t {
  kConnections,
  kConnectionsPerAddress,
  kRequestsPerAddress,
  kPushesPerJob,
  kPipelinedBytes,
  kHeaderBytes,
  kUrlBytes,
  kHeaderTime,
  kIdleTime,
  kRequestTime,
  kWriterGrace,
  kWriterRate,
  kReaderStall,
  kReaderRate,
  kContendedReaderStall,
  kContendedReaderTime,
  kScrapes,
  kBodyBytes,
  kBodyMemory,
  kDecodedBytes,
  kDecodedRatio,
  kExpandedBytes,
  kLabelsPerKey,
  kLabelsPerSeries,
  kNameBytes,
  kValueBytes,
  kFamiliesPerPush,
  kSeriesPerPush,
  kFamiliesPerGroup,
  kBytesPerGroup,
  kGroups,
  kGroupsPerJob,
  kFailedGroups,
  kSeries,
  kSeriesPerJob,
  kBytes,
  kBytesPerJob,
  kFamilyNames,
  kShapes,
  kNameSetsPerJob,
  kMemory,
};
inline constexpr size_t kLimits = static_cast<size_t>(Limit::kMemory) + 1;

enum class Unit : uint8_t { kNumber, kBytes, kNanoseconds };

// In place of a status: the connection is closed without an answer; its further requests wait; the answer is another
// one's, and only what the limit is about does not happen.
inline constexpr int kCloses = 0;
inline constexpr int kWaits = 1;

struct Entry {
  Limit limit;
  std::string_view name;  // of the flag behind `--limits.`, and the counter's label
  Unit unit;
  uint64_t value;  // the default
  uint64_t least;  // what the flag takes; with 0, that is no limit
  uint64_t most;
  int status;
  std::string_view meaning;
};

inline constexpr uint64_t kMiB = 1024 * 1024;
inline constexpr uint64_t kSecondNs = 1'000'000'000;
inline constexpr uint64_t kManyMost = UINT64_C(1) << 50;        // for numbers and bytes that nothing else bounds
inline constexpr uint64_t kLongestNs = 31'536'000 * kSecondNs;  // a year

// Decoded bytes at which the ratio of a compressed body begins to count: small bodies of zeros compress well.
inline constexpr uint64_t kDecodedBytesFree = 4 * kMiB;
// From there on what has been decoded may be this many times as much as the whole body may, so that a body of one byte
// again and again (a thousand times its size) ends early.
inline constexpr uint64_t kDecodedRatioBegins = 4;

inline constexpr std::array<Entry, kLimits> kTable = {{
    // What descriptors and memory allow is the limit unless the flag says less.
    {Limit::kConnections, "connections", Unit::kNumber, 0, 0, 1'000'000, kCloses,
     "Connections; one more and the one that is idle for longest is closed, or the new one waits. 0: as many as "
     "descriptors and memory allow."},
    // Fleets come from behind one address translator or proxy, so there is no number that fits all.
    {Limit::kConnectionsPerAddress, "connections-per-address", Unit::kNumber, 0, 0, 1'000'000, kCloses,
     "Connections from one IP address. 0: no limit."},
    {Limit::kRequestsPerAddress, "requests-per-second-per-address", Unit::kNumber, 0, 0, 1'000'000, 429,
     "Requests in a second from one IP address, of any kind. 0: no limit."},
    {Limit::kPushesPerJob, "pushes-per-second-per-job", Unit::kNumber, 0, 0, 1'000'000, 429,
     "Pushes in a second of one job; not DELETE. 0: no limit."},
    {Limit::kPipelinedBytes, "pipelined-bytes", Unit::kBytes, kPendingBytesMax, 1024, 64 * kMiB, kWaits,
     "Answers that wait for a client to read them before its further requests are looked at."},
    {Limit::kHeaderBytes, "header-bytes", Unit::kBytes, kHeadBytesMax, 1024, kMiB, 431,
     "Request line and header fields together; 1,024 fields at most."},
    // RFC 9110 asks for 8,000; a key of 64 labels with long values in base64 fits.
    {Limit::kUrlBytes, "url-bytes", Unit::kBytes, 16 * 1024, 64, kMiB, 414, "The request's target."},
    {Limit::kHeaderTime, "header-time", Unit::kNanoseconds, kHeadDeadlineNs, 1'000'000, kLongestNs, 408,
     "From the first byte of a request to the end of its header fields."},
    {Limit::kIdleTime, "idle-time", Unit::kNanoseconds, kIdleNs, 1'000'000, kLongestNs, kCloses,
     "How long a connection without a request stays open."},
    // A body of 100 MB over a line of 1 Mbit/s takes a quarter of it.
    {Limit::kRequestTime, "request-time", Unit::kNanoseconds, 3600 * kSecondNs, 1'000'000, kLongestNs, 408,
     "From the first byte of a request to the first one of its answer."},
    {Limit::kWriterGrace, "writer-grace", Unit::kNanoseconds, kBodyGraceNs, 1'000'000, kLongestNs, 408,
     "How long nothing of a body need come; its rate counts from then on."},
    {Limit::kWriterRate, "writer-bytes-per-second", Unit::kBytes, kBodyBytesPerSecondMin, 1, kManyMost, 408,
     "Bytes of a body that have to come in a second, on average."},
    {Limit::kReaderStall, "reader-stall", Unit::kNanoseconds, kSendStallNs, 1'000'000, kLongestNs, kCloses,
     "How long a client may take nothing of an answer; its rate counts from then on."},
    // As slow as a writer may be: a scrape of 100 MB then takes a day, which is no scrape any more, but curl through a
    // modem passes.
    {Limit::kReaderRate, "reader-bytes-per-second", Unit::kBytes, 1024, 1, kManyMost, kCloses,
     "Bytes of an answer that have to be taken in a second, on average."},
    {Limit::kContendedReaderStall, "contended-reader-stall", Unit::kNanoseconds, kContendedSendStallNs, 1'000'000,
     kLongestNs, kCloses,
     "How long a client may take nothing of an answer while a scrape waits because answers that are being read hold "
     "all "
     "states of the store that are kept."},
    {Limit::kContendedReaderTime, "contended-reader-time", Unit::kNanoseconds, kContendedStreamNs, 1'000'000,
     kLongestNs, kCloses, "How long a client may take for the whole of an answer meanwhile."},
    // Each holds 256 KiB and may pin a version of every group. Scrapes of 1,024 parts by two servers, spread over their
    // interval, need a few dozen.
    {Limit::kScrapes, "scrapes", Unit::kNumber, 256, 1, 1'000'000, 503,
     "Scrapes and answers of /api/v1/metrics that are under way."},
    {Limit::kBodyBytes, "body-bytes", Unit::kBytes, kBodyBytesMax, 1024, kBodyBytesMax, 413,
     "A body as it comes over the wire."},
    {Limit::kBodyMemory, "body-memory", Unit::kBytes, 4 * kBodyBytesMax, 64 * 1024, kManyMost, 503,
     "Memory of one worker for bodies that do not fit a receive buffer."},
    {Limit::kDecodedBytes, "decompressed-bytes", Unit::kBytes, kBodyBytesMax, 1024, kBodyBytesMax, 413,
     "A body without its Content-Encoding."},
    // Metrics reach 10 to 30; histograms that are all zero, with 40 buckets and long labels, 54.
    {Limit::kDecodedRatio, "decompressed-ratio", Unit::kNumber, 100, 1, 1'000'000, 413,
     "How many times as large as it came a body may become without its Content-Encoding; up to 4 MiB it may."},
    {Limit::kExpandedBytes, "expanded-bytes", Unit::kBytes, kCanonicalBytesMax, kSkeletonCanonicalBytesMax,
     kCanonicalBytesMax, 413, "A push as it is stored: with the labels of its key on every line."},
    {Limit::kLabelsPerKey, "labels-per-key", Unit::kNumber, kLabelsPerKeyMax, 1, kLabelsPerKeyMax, 400,
     "Labels of a grouping key, the job among them."},
    {Limit::kLabelsPerSeries, "labels-per-series", Unit::kNumber, kLabelsPerSeriesMax, 1, kLabelsPerSeriesMax, 400,
     "Labels that a push gives one series, those of the key not counted."},
    // Mimir's; the longest name that anybody measured has a quarter of it.
    {Limit::kNameBytes, "name-bytes", Unit::kBytes, 1024, 8, kNameBytesMax, 400, "The name of a metric or label."},
    // Longer than messages of errors that people put into labels, and a hundred scrapes of it still are small.
    {Limit::kValueBytes, "value-bytes", Unit::kBytes, 64 * 1024, 8, kBodyBytesMax, 400, "The value of a label."},
    {Limit::kFamiliesPerPush, "families-per-push", Unit::kNumber, kFamiliesPerGroupMax, 1, kFamiliesPerGroupMax, 413,
     "Metric families in one push."},
    // The shortest lines of a body of 256 MiB are more, but such a push is nobody's.
    {Limit::kSeriesPerPush, "series-per-push", Unit::kNumber, 5'000'000, 1, 100'000'000, 413,
     "Metrics in one push; a histogram or summary counts once."},
    {Limit::kFamiliesPerGroup, "families-per-group", Unit::kNumber, kFamiliesPerGroupMax, 1, kFamiliesPerGroupMax, 429,
     "Metric families of one group, those of earlier pushes among them."},
    {Limit::kBytesPerGroup, "bytes-per-group", Unit::kBytes, 0, 0, kGroupBytesMax, 429,
     "Text of all series of one group, those of earlier pushes among them. 0: 1000MiB with --persistence.file, else no "
     "limit."},
    {Limit::kGroups, "groups", Unit::kNumber, kGroupsMax, 1, kGroupsMax, 429, "Groups."},
    {Limit::kGroupsPerJob, "groups-per-job", Unit::kNumber, 0, 0, kGroupsMax, 429, "Groups of one job. 0: no limit."},
    // 40 MB of them. A fleet whose every instance is broken from its first push on still shows a part of itself.
    {Limit::kFailedGroups, "failed-groups", Unit::kNumber, 100'000, 0, kGroupsMax, 400,
     "Groups that have never been pushed to with success; the push beyond is refused all the same, but its failure is "
     "not "
     "shown. 0: no limit."},
    // Five times what a gateway of this kind was measured with; with short labels 20 GB.
    {Limit::kSeries, "series", Unit::kNumber, 100'000'000, 0, kManyMost, 429, "Stored series. 0: no limit."},
    {Limit::kSeriesPerJob, "series-per-job", Unit::kNumber, 0, 0, kManyMost, 429,
     "Stored series of one job. 0: no limit."},
    // The memory limit is what bounds them.
    {Limit::kBytes, "bytes", Unit::kBytes, 0, 0, kManyMost, 429, "Text of all stored series. 0: no limit."},
    {Limit::kBytesPerJob, "bytes-per-job", Unit::kBytes, 0, 0, kManyMost, 429,
     "Text of all stored series of one job. 0: no limit."},
    {Limit::kFamilyNames, "family-names", Unit::kNumber, kFamilyNamesMax, 64, kFamilyNamesMax, 429,
     "Distinct names of metric families, the gateway's own among them."},
    {Limit::kShapes, "family-lists", Unit::kNumber, kShapesMax, 2, kShapesMax, 429,
     "Distinct lists of the families of a group."},
    {Limit::kNameSetsPerJob, "key-kinds-per-job", Unit::kNumber, kNameSetsPerJobMax, 1, kNameSetsPerJobMax, 429,
     "Distinct sets of label names in the grouping keys of one job."},
    {Limit::kMemory, "memory", Unit::kBytes, 0, 0, kManyMost, 503,
     "Resident memory. Near it pushes that grow are refused, then those that do not shrink, last all; DELETE and "
     "scrapes "
     "go on. 0: 9/10 of what the cgroup or the machine has."},
}};

[[nodiscard]] constexpr const Entry& entry_of(Limit limit) noexcept { return kTable[static_cast<size_t>(limit)]; }

static_assert([] {
  for (size_t i = 0; i < kLimits; ++i) {
    const Entry& entry = kTable[i];
    if (static_cast<size_t>(entry.limit) != i || entry.value < entry.least || entry.value > entry.most) return false;
  }
  return true;
}());

// One value for each entry. Set by main before anything else starts, then only read, by any thread.
class Values {
 public:
  constexpr Values() noexcept {
    for (size_t i = 0; i < kLimits; ++i) values_[i] = kTable[i].value;
  }
  [[nodiscard]] constexpr uint64_t operator[](Limit limit) const noexcept {
    return values_[static_cast<size_t>(limit)];
  }
  // Every entry as large as its flag takes: for what was accepted once and comes back, as from a file.
  [[nodiscard]] static constexpr Values largest() noexcept {
    Values values;
    for (size_t i = 0; i < kLimits; ++i) values.values_[i] = kTable[i].least == 0 ? 0 : kTable[i].most;
    return values;
  }
  constexpr void set(Limit limit, uint64_t value) noexcept { values_[static_cast<size_t>(limit)] = value; }

 private:
  std::array<uint64_t, kLimits> values_{};
};

inline constexpr Values kLargest = Values::largest();

}  // namespace sluice::limits
