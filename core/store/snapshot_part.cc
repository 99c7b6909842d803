#include "core/store/snapshot_part.h"

#include "core/base/check.h"

namespace sluice::store {
namespace {

// Buckets and chunks, a microsecond each at most, between two looks at the clock.
constexpr size_t kPiecesPerCheck = 8;

}  // namespace

bool SnapshotPart::step(const Snapshot& snapshot, Part part, Deadline deadline) {
  const std::span<const Snapshot::Bucket> from = snapshot.buckets();
  for (size_t pieces = 1; bucket_ != from.size(); ++pieces) {
    const Snapshot::Bucket& source = from[bucket_];
    if (buckets_.size() == bucket_) buckets_.emplace_back().shape = source.shape;
    Snapshot::Bucket& bucket = buckets_.back();
    if (chunk_ == source.chunks.size()) {
      bucket.groups_elsewhere = source.groups - bucket.groups;
      ++bucket_;
      chunk_ = 0;
    } else {
      const Snapshot::Chunk& chunk = source.chunks[chunk_];
      const std::vector<uint16_t>& places = source.places[chunk_];
      SLUICE_DCHECK(places.size() == chunk.size());
      for (size_t i = 0; i != chunk.size(); ++i) {
        if (part.has(places[i])) bucket.add(*chunk[i]);
      }
      ++chunk_;
    }
    if (pieces % kPiecesPerCheck == 0 && deadline.passed()) break;
  }
  return bucket_ == from.size();
}

}  // namespace sluice::store
