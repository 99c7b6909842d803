// Bodies of scrapes that are made once for all who ask for the same: blocks of the pushed families of one state of the
// store, in one format. The gateway's own families are not among them: each scrape makes its own.
//
// A body is made by its readers: whoever needs the next block and finds nobody at it makes it, a slice at a time. So a
// reader that is slow or goes away holds up nobody, and an idle gateway answers from what is there.
//
// What is kept: a complete compressed body for as long as nothing changes and the limit allows; one of text only when
// it has less than a quarter of the limit, because it is as large as what is stored (text is compressed 1 to 14). A
// body that has outgrown that is for the scrapes that run already: they share the blocks of a window of a quarter of
// the limit. Who falls out of the window, or finds the limit used up, goes on alone: it makes its own blocks, and holds
// one at a time. So memory is at most the limit and a few blocks for each scrape.
//
// A large compressed body is work for all workers: its readers make blocks of text, a few ahead, and whoever has time
// compresses them. A block whose helper does not come to an end is compressed by another.
//
// Threads: any. Progress: nobody waits for the lock of the table, which is held for some pointers only; who does not
// get it is told so (kBusy) and parks. Blocks are made under a lock of their body, held for a slice, and nobody waits
// for that either.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "core/base/clock.h"
#include "core/render/block_maker.h"
#include "core/render/scrape_block.h"
#include "core/render/scrape_helper.h"
#include "core/store/snapshot_part.h"
#include "core/store/try_lock.h"

namespace sluice::render {

// What two scrapes must have in common to have the same body.
struct BodyKey {
  uint64_t mutations = 0;  // Snapshot::mutations()
  uint64_t own_names = 0;  // a hash of the gateway's own names: places count them
  uint32_t form = 0;       // the caller's number for format and escaping
  bool gzip = false;
  store::Part part;

  // But for the state of the store and our own names.
  [[nodiscard]] bool same_request(const BodyKey& other) const noexcept {
    return form == other.form && gzip == other.gzip && part == other.part;
  }
  friend bool operator==(const BodyKey&, const BodyKey&) = default;
};

// What is known of a body before it is made.
struct BodyPlan {
  uint64_t text_bytes = 0;  // about
  bool helped = false;      // other workers can be called: compressed, it is work for all of them
};

// Figures for people, counted by the reader: the worker that it belongs to adds them up.
struct CacheCounts {
  uint64_t hits = 0;     // scrapes that found a complete body
  uint64_t joins = 0;    // that found one being made
  uint64_t misses = 0;   // that began one
  uint64_t dropped = 0;  // bodies and blocks given up because of the limit
  uint64_t texts = 0;    // blocks of text that wait to be compressed by anybody
  uint64_t helped = 0;   // blocks that were compressed by help()
  int64_t bytes = 0;     // kept, net: one worker's may be negative
};

// Makes the source of the pushed families, and keeps alive what that reads but the snapshot itself.
using MakeSource = std::function<std::unique_ptr<SnapshotSource>()>;

// One body. Made and kept by the cache; a reader holds it and passes it back.
class ScrapeBody {
 public:
  [[nodiscard]] const BodyKey& key() const noexcept { return key_; }
  // Of a body that was found complete: groups push families with names of ours.
  [[nodiscard]] bool left_to_own() const noexcept { return left_to_own_; }

 private:
  friend class ScrapeCache;
  friend class BodyReader;

  // Without a block: text that is to be compressed.
  struct Piece {
    BlockRef block;
    BlockRef text;
    int64_t taken_ns = 0;  // when somebody began to compress it, 0 for nobody
  };

  // Fixed after construction.
  BodyKey key_;
  bool shared_work_ = false;  // compressed by whoever has time
  bool large_text_ = false;   // will outgrow what is kept
  uint64_t snapshot_ = 0;     // Snapshot::sequence() of the one that is read: who makes blocks holds it

  MakeSource make_;  // with it what the source reads
  // Who holds `making_`.
  store::TryLock making_;
  std::unique_ptr<BlockMaker> maker_;
  BlockRef made_;  // waits for the table's lock
  bool made_all_ = false;

  // Under the table's lock.
  std::deque<Piece> blocks_;
  size_t open_ = 0;        // of them, without a block
  bool text_end_ = false;  // none follows
  size_t first_ = 0;       // number of the first block that is left
  size_t bytes_ = 0;
  bool listed_ = true;     // may be found: all blocks are there
  bool complete_ = false;  // from here on only listed_ changes
  bool left_to_own_ = false;
  uint64_t left_out_ = 0;
  uint64_t used_ = 0;  // when it was found last
};

using BodyRef = std::shared_ptr<ScrapeBody>;

class ScrapeCache {
 public:
  enum class Found : uint8_t {
    kBusy,  // somebody has the table: again
    kYes,
    kNo,
  };
  enum class Fetched : uint8_t {
    kBusy,
    kBlock,
    kMissing,  // not made yet
    kEnd,
    kLost,  // not kept
  };
  // 0: nothing is kept, and every scrape goes alone.
  explicit ScrapeCache(size_t bytes_max) : bytes_max_(bytes_max) {}
  ScrapeCache(const ScrapeCache&) = delete;
  ScrapeCache& operator=(const ScrapeCache&) = delete;

  [[nodiscard]] size_t bytes_max() const noexcept { return bytes_max_; }

  // A complete body of this key, whatever its own names: the caller compares them. It needs no snapshot.
  [[nodiscard]] Found find(const BodyKey& key, BodyRef& body);
  // The body for a reader that holds the snapshot `snapshot`: one that is there, or a new one. False: busy.
  [[nodiscard]] bool acquire(const BodyKey& key, uint64_t snapshot, const BodyPlan& plan, const MakeSource& make,
                             BodyRef& body, CacheCounts& counts);
  // Block number `index` of it.
  [[nodiscard]] Fetched fetch(ScrapeBody& body, size_t index, BlockRef& block);
  // Does a slice of what brings the block `index`, which is missing, nearer. False: somebody else is at it, or has the
  // table.
  [[nodiscard]] bool make(const BodyRef& body, size_t index, ScrapeHelper& helper, Deadline deadline,
                          CacheCounts& counts);
  // Does a slice of work for any body. Needs no snapshot. False: there is nothing to do.
  [[nodiscard]] bool help(ScrapeHelper& helper, Deadline deadline, CacheCounts& counts);
  // The maker, if nobody else reads the body or can find it, and all its blocks before `index` are made and none
  // behind: it is the caller's then, and the body is not to be used any more.
  [[nodiscard]] std::unique_ptr<BlockMaker> take_over(const BodyRef& body, size_t index, CacheCounts& counts);
  // Forgets bodies that nobody can use any more. About once a second.
  void housekeep(CacheCounts& counts);

 private:
  class Hold;

  [[nodiscard]] bool make_next(ScrapeBody& body, Deadline deadline, CacheCounts& counts);
  [[nodiscard]] bool make_shared(const BodyRef& body, size_t index, ScrapeHelper& helper, Deadline deadline,
                                 CacheCounts& counts);
  [[nodiscard]] bool compress(ScrapeHelper& helper, Deadline deadline, CacheCounts& counts);

  // All with the table's lock. What they take out goes to `dead_`.
  [[nodiscard]] static bool take_text(const BodyRef& body, ScrapeHelper& helper);
  void keep(ScrapeBody& body, ScrapeBody::Piece& piece, BlockRef block, CacheCounts& counts);
  void recycle(BlockRef text);
  void publish(ScrapeBody& body, CacheCounts& counts);
  [[nodiscard]] bool give_up_idle(CacheCounts& counts);
  void drop_first(ScrapeBody& body, CacheCounts& counts);
  void bury(CacheCounts& counts);
  // What others may still find. Of a text that will not be kept as a whole it is what comes out in the first few
  // milliseconds, because a scrape that is alone copies it once more.
  [[nodiscard]] size_t kept_max(const ScrapeBody& body) const noexcept {
    if (body.key_.gzip) return bytes_max_;
    return body.large_text_ ? bytes_max_ / 16 : bytes_max_ / 4;
  }

  const size_t bytes_max_;
  store::TryLock lock_;
  // Under lock_.
  std::vector<BodyRef> bodies_;
  size_t bytes_ = 0;
  uint64_t clock_ = 0;
  std::vector<std::shared_ptr<const void>> dead_;  // freed when the lock is free
  std::vector<std::unique_ptr<char[]>> buffers_;   // of texts that are compressed, for the next ones
};

}  // namespace sluice::render
