// Every limit of the gateway in one file, each with its derivation. A limit that an operator would turn has a flag
// (named in its comment); a limit that bites has a counter where it is enforced.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sluice::limits {

// ---- Time ----------------------------------------------------------------------------------------------------------
// Longest stretch of work between two looks at the ring. 50 us keeps a turn of 12 runnable requests under 1 ms.
inline constexpr int64_t kSliceNs = 50'000;
// The same while small requests come: what a small request waits for beside long work. Its trip into the
// kernel costs about 1 us, so the long work loses a twentieth.
inline constexpr int64_t kContendedSliceNs = 20'000;
// And so long it lets small requests go before it while each look at the ring brings some: where they would fill the
// core by themselves, they have nine tenths of it, and otherwise all that they ask for.
inline constexpr int64_t kLongWaitsNs = 200'000;
// They come while the last one was no longer ago: at some hundred a second and above long work gives way.
inline constexpr int64_t kContentionNs = 2'000'000;

// From SIGTERM until connections that still work are cut. Kubernetes kills after 30 s by default.
inline constexpr int64_t kStopBoundNs = 10'000'000'000;
// At a stop: a connection that is younger than this and has sent nothing yet is waited for, its first request is on the
// way. Go's server gives it 5 s; a second is a retransmission, and nobody's restart should take five.
inline constexpr int64_t kStopFreshNs = 1'000'000'000;

// ---- Requests ------------------------------------------------------------------------------------------------------
// Request line and header fields together. Go's server allows 1 MiB; real pushes need under 2 KiB. 431 above it, 414
// when the request line alone is longer.
inline constexpr size_t kHeadBytesMax = 64 * 1024;
// Header fields of a request. Each takes 32 bytes beside its own, so a head of the shortest ones would take nine times
// its bytes. Real requests have under 50. 431 above it.
inline constexpr size_t kHeadFieldsMax = 1024;
// Decoded body of a push. The largest pushes seen in the field are tens of megabytes. 413 above it.
inline constexpr uint64_t kBodyBytesMax = 256ull * 1024 * 1024;

// ---- Connections ---------------------------------------------------------------------------------------------------
// From the first byte of a head to its last. A push's head is one packet; 10 s are three retransmissions.
inline constexpr int64_t kHeadDeadlineNs = 10'000'000'000;
// A body has this long, and a second more for each kBodyBytesPerSecondMin that have come: no legitimate link is slower,
// and a connection that drips bytes ends within minutes.
inline constexpr int64_t kBodyGraceNs = 30'000'000'000;
inline constexpr int64_t kBodyBytesPerSecondMin = 1024;
// Keep-alive pushers push every few minutes at most; connections idle for longer belong to dead clients.
inline constexpr int64_t kIdleNs = 3'600'000'000'000;
// A reader that takes nothing for so long is gone. Not less: the kernel wakes a sender only when a third of a socket
// buffer of up to 4 MiB is free, which takes a reader of 10 KB/s about two minutes.
inline constexpr int64_t kSendStallNs = 300'000'000'000;
// The same while scrapes wait because such readers hold all snapshots (kSnapshotsMax): who takes nothing for so long is
// cut, and who has been taking an answer for kContendedStreamNs. Prometheus gives a scrape 10 s, a minute at most.
inline constexpr int64_t kContendedSendStallNs = 5'000'000'000;
inline constexpr int64_t kContendedStreamNs = 60'000'000'000;
// How often a stream looks whether that is so.
inline constexpr int64_t kStreamLookNs = 1'000'000'000;
// After an early error the peer's bytes are read and dropped for so long, so that it sees the answer and not a reset
// (Go's server waits as long).
inline constexpr int64_t kLingerNs = 500'000'000;
// Rest of a body that nobody wants: read and dropped up to here to keep the connection (as Go's server), else closed.
inline constexpr uint64_t kDrainBytesMax = 256 * 1024;
// Received buffers that one connection may hold while it is busy. Pipelined requests beyond them wait in the kernel.
inline constexpr size_t kHeldBuffersMax = 4;
// Requests that one connection may have answered in a turn while small requests come from others: a pipeline of usual
// depth leaves in one send, and holds up the others for about 80 us, once.
inline constexpr uint32_t kRequestsPerTurn = 16;
// Answers that wait for a slow reader before its further requests wait too.
inline constexpr size_t kPendingBytesMax = 256 * 1024;
// Each of the two pieces of a streamed answer that are in flight: large enough for few sends.
inline constexpr size_t kStreamBytes = 128 * 1024;
// The pieces of a worker's streams: with more than 16 of them each gets a part of this and no more than that part, but
// at least 16 KiB. So 1,000 readers that do not read hold 40 MiB and not 256.
inline constexpr size_t kStreamsBytes = 4 * 1024 * 1024;
inline constexpr size_t kStreamBytesMin = 16 * 1024;
// One receive of a large body: the kernel copies it between two turns, in about 50 us with the pages that it touches.
inline constexpr size_t kReceiveIntoBytes = 64 * 1024;
// The same while small requests come: about 10 us, most of them page faults and the peer's part.
inline constexpr size_t kContendedReceiveBytes = 8 * 1024;
// One send meanwhile. On the loopback device the receiver's part of it is done by the sender, too: 0.4 us a KiB.
inline constexpr size_t kContendedSendBytes = 32 * 1024;
// The same of a chunked one, which is unwrapped in one piece: 0.3 us for each chunk.
inline constexpr size_t kReceiveChunkedBytes = 32 * 1024;
// Body buffers that a worker keeps for the next large push, and the largest of them.
inline constexpr size_t kBodyBuffersKept = 8;
inline constexpr size_t kBodyBufferBytesKept = 4 * 1024 * 1024;
// Work that completions may do inline in one turn before further requests go through the queue of slices: with the
// 12 slices of 50 us that may follow, and one for the release of memory, a turn stays under 1 ms.
inline constexpr int64_t kInlineNs = 150'000;

// Heads whose fields a worker remembers (net/http/head_template.h): real fleets have a few kinds of clients. Fields of
// more bytes or of a larger number are rare among programs that push. With the tables of a template that is 24 KiB in
// all.
inline constexpr uint32_t kHeadTemplatesPerWorker = 16;
inline constexpr size_t kHeadTemplateBytesMax = 1024;
inline constexpr size_t kHeadTemplateFieldsMax = 32;
// Bytes of a value that may be any in a repeated head: a bearer token has 1 KiB and more.
inline constexpr size_t kHeadTemplateValueBytesMax = 2048;
// Heads between two new templates at most, where the last ones were of no use: a template costs about 16,000
// instructions, so 16 a request.
inline constexpr uint32_t kHeadTemplateWaitMax = 1024;

// ---- Pushes --------------------------------------------------------------------------------------------------------
// Labels of one series, those of the grouping key included. Prometheus refuses far fewer by default.
inline constexpr uint32_t kLabelsPerSeriesMax = 1024;
// Labels of a grouping key.
inline constexpr uint32_t kLabelsPerKeyMax = 64;
// Canonical text of one push, before escapes. The grouping labels are repeated on every line, so a body of short lines
// under a long key grows by a factor of thousands; four times the largest body is ample for real ones. 413 above it.
inline constexpr uint64_t kCanonicalBytesMax = 4 * kBodyBytesMax;
// Bytes of a metric or label name as it stands in the body, and of a number. Both are looked at in one piece, so this
// bounds the time of that; real ones stay under 200.
inline constexpr size_t kNameBytesMax = 64 * 1024;
inline constexpr size_t kNumberBytesMax = 64 * 1024;
// Bytes of a foreign token that an error text quotes. A body may be one token of 256 MiB; quoting makes it four times
// as long.
inline constexpr size_t kErrorTokenBytesMax = 16 * 1024;

// Parser and canonicaliser tables that a worker keeps for the next push: one runs at a time, more only while long
// pushes are sliced.
inline constexpr size_t kPushScratchesKept = 8;
// Larger ones are freed after use, so that one huge push does not pin its tables for ever: but for one of the size that
// pushes of 1.5 MB need, while no more seconds than these lie between such pushes.
inline constexpr size_t kPushScratchBytesKept = 4 * 1024 * 1024;
inline constexpr size_t kPushScratchLargeBytesKept = 16 * 1024 * 1024;
inline constexpr int kPushScratchLargeSeconds = 5;
// Bodies that may need it.
inline constexpr size_t kPushBodyBytesLarge = 256 * 1024;

// Bodies that are remembered as skeletons (parser/skeleton.h): at least so many bytes, because a shorter one is parsed
// as fast as it is compared, and fewer than so many, because the time of parsing is then what a push costs and
// comparing is still a fraction of a slice.
inline constexpr size_t kSkeletonBodyBytesMin = 64;
inline constexpr size_t kSkeletonBodyBytesMax = 16 * 1024;
// Skeletons of a worker: real fleets have a few kinds of jobs. Its tables and its canonical text are at most so large
// each, so 8 MiB in all.
inline constexpr uint32_t kSkeletonsPerWorker = 16;
inline constexpr size_t kSkeletonBytesMax = 256 * 1024;
// Samples of a body whose canonical text is remembered too: making it takes 0.4 us a sample, in one piece.
inline constexpr size_t kSkeletonNumbersMax = 128;
// Canonical text that a skeleton writes in one piece, in about 30 us; long grouping labels are repeated on every line.
inline constexpr size_t kSkeletonCanonicalBytesMax = 128 * 1024;
// Bodies between two new skeletons at most, where the last ones were of no use: a skeleton costs about 10 us, so 10 ns
// a push.
inline constexpr uint32_t kSkeletonWaitMax = 1024;

// The same for larger bodies, which are compared and written in slices. A few of each worker, because one takes five
// times the bytes of its body; those that were not of use for so many seconds go, and one a second when memory runs
// short.
inline constexpr size_t kSkeletonLargeBodyBytesMax = 4 * 1024 * 1024;
inline constexpr uint32_t kLargeSkeletonsPerWorker = 4;
inline constexpr size_t kSkeletonLargeBytesMax = 16 * 1024 * 1024;
inline constexpr size_t kSkeletonLargeNumbersMax = 32 * 1024;
inline constexpr size_t kSkeletonLargeCanonicalBytesMax = 16 * 1024 * 1024;
inline constexpr uint32_t kSkeletonLargeSeconds = 300;

// ---- Scrapes -------------------------------------------------------------------------------------------------------
// Text behind one full flush of a compressed scrape. Smaller blocks cost ratio (each begins without history), larger
// ones make a cache of unchanged blocks coarser and the first compressed byte later.
inline constexpr size_t kGzipBlockBytes = 128 * 1024;
// The same without compression: two fill a piece of a stream, and a copy takes some 10 us.
inline constexpr size_t kTextBlockBytes = 64 * 1024;
// A compressed scrape of more text than this is work for all workers: 10 ms of one.
inline constexpr uint64_t kScrapeHelpBytes = 4 * 1024 * 1024;
// Bodies of scrapes that are kept for others (--web.scrape-cache-max-bytes). Four compressed ones of a million series
// fit; text is kept up to a quarter of it (core/render/scrape_cache.h), so that a large gateway's memory grows by a
// twentieth of what it stores and not by as much again.
inline constexpr size_t kScrapeCacheBytes = 32 * 1024 * 1024;

// ---- The API of our own --------------------------------------------------------------------------------------------
// Groups or jobs of one page of a list, and what it has without a limit: each is a few hundred bytes of JSON. Their
// keys may be long; a page with more bytes of them than this has fewer groups.
inline constexpr size_t kListedMax = 1000;
inline constexpr size_t kListedDefault = 100;
inline constexpr size_t kListedKeyBytesMax = 1024 * 1024;
// Metrics of one page of a group.
inline constexpr size_t kListedMetricsMax = 10'000;
inline constexpr size_t kListedMetricsDefault = 1000;
// Kinds of refused pushes that are remembered: what fits on some screens.
inline constexpr size_t kRecentRejectsMax = 256;
// Failed groups whose last error is kept (--push.failure-details): at most about 1 KB each.
inline constexpr size_t kFailureDetails = 10'000;
// Of a remembered reason, path or key, and of a content type.
inline constexpr size_t kRejectTextBytesMax = 512;
inline constexpr size_t kRejectContentTypeBytesMax = 128;

// ---- Log -----------------------------------------------------------------------------------------------------------
// Lines of one reason in a second: enough to see what is wrong, too few to be a load of their own.
inline constexpr uint32_t kLogLinesPerSecond = 10;
// Lines that wait for a slow reader of stderr; at about 200 bytes each 1.6 MB. The oldest are dropped and counted.
inline constexpr size_t kLogQueueLines = 8192;

// ---- Reclamation ---------------------------------------------------------------------------------------------------
// Threads that may read shared structures at one time: a worker per core, and a few readers beside them. 256 lines of
// 64 bytes are scanned at most once per grace period.
inline constexpr uint32_t kParticipantsMax = 256;
// Distinct snapshots alive at one time. Each holds at most one version per group, so memory stays within a small factor
// of the live set; further scrapes share one that starts after their request.
inline constexpr uint32_t kSnapshotsMax = 4;

// Parts that scrapes may be divided into: with 65,536 places a part then has 64 of them, so none is more than 1.6 %
// larger than another by the division alone.
inline constexpr uint32_t kScrapePartsMax = 1024;
// Retired objects freed by one call, once per turn, unless the turn retired more than half as many: 256 frees of about
// 100 ns are half a slice.
inline constexpr uint32_t kReclaimPerTurn = 256;
// The same while small requests come: a backlog, such as a wipe leaves, is no reason to let them wait.
inline constexpr uint32_t kContendedReclaimPerTurn = 16;
// Retirement nodes that a participant keeps for reuse, 56 bytes each.
inline constexpr uint32_t kRetiredNodesKept = 4096;

// ---- Store ---------------------------------------------------------------------------------------------------------
// Groups. Small ones cost about 500 bytes, so this many fill 10 GB; twice what the gateway is measured with.
inline constexpr uint64_t kGroupsMax = 20'000'000;
// Families of one group. Large exporters have about 2,000.
inline constexpr uint32_t kFamiliesPerGroupMax = 100'000;
// Text of one group where it is kept on disk (--limits.bytes-per-group says less). A snapshot has a group in one record
// of 2 GiB at most, with its list of families, which is up to kShapeBytesMax.
inline constexpr uint64_t kGroupBytesMax = 1000ull * 1024 * 1024;
// Distinct family names of all groups. A large Prometheus knows some 100,000.
inline constexpr uint32_t kFamilyNamesMax = 1'000'000;
// Distinct lists of families alive at one time, and the memory behind them. Real fleets have one for each kind of job.
inline constexpr uint32_t kShapesMax = 65'536;
inline constexpr uint64_t kShapeBytesMax = 1024ull * 1024 * 1024;
// Distinct sets of grouping label names in one job: each costs every push of that job a look-up. Real jobs have one or
// two.
inline constexpr uint32_t kNameSetsPerJobMax = 16;
// Blocks that a version keeps alive beside its own. Merging by size keeps it near the logarithm of the number of pushes
// of different families, so it is never reached before a merge.
inline constexpr uint32_t kSharedBlocksMax = 32;

// ---- Durable log ---------------------------------------------------------------------------------------------------
// A segment is left for the next one at this size: some seconds of a worker at its limit, and what a snapshot leaves
// behind at most for each worker.
inline constexpr uint64_t kLogSegmentBytes = 64ull * 1024 * 1024;
// What waits for the disk: pushes park above it. A second of a worker at its limit.
inline constexpr size_t kLogBufferBytesMax = 128ull * 1024 * 1024;
// Of a buffer's memory, kept from batch to batch.
inline constexpr size_t kLogBufferBytesKept = 4ull * 1024 * 1024;
// Patterns of pushes that a log knows in its present segment (core/wal/pattern.h): beyond it forgets all, and writes
// again those that come back.
inline constexpr size_t kLogPatternsMax = size_t{4} * kSkeletonsPerWorker;
// A snapshot is due when the logs have grown by this much since the last, or by as much as it was large.
inline constexpr uint64_t kLogBytesPerSnapshot = 256ull * 1024 * 1024;
// Or by so many changes, or by as many as it had groups: what a start has to read.
inline constexpr uint64_t kLogRecordsPerSnapshot = 256ull * 1024;

// ---- Map -----------------------------------------------------------------------------------------------------------
// Shards by the top hash bits: 256, so that growth at 10 M groups moves tables of 40,000 entries, and 64 workers rarely
// meet in one.
inline constexpr unsigned kMapShardBits = 8;
// Buckets of 8 slots that a mutation moves when its shard is growing. All shards grow at about the same time, and a
// turn takes hundreds of pipelined pushes: 16 slots each, a cache miss for each entry, are half a millisecond for 256
// of them. A move ends long before the next table can fill, which has room for at least four times the inserts that the
// move takes.
inline constexpr unsigned kMapHelpBuckets = 2;

}  // namespace sluice::limits
