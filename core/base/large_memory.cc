#include "core/base/large_memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <utility>

#include "core/base/check.h"

namespace sluice {
namespace {

// Unmapped at a time: room that was never touched goes in large pieces, pages that were used (0.1 to 1 us each) in
// small ones. What the pieces before have taken says which it is.
constexpr size_t kPieceBytesMin = 64 * 1024;
constexpr size_t kPieceBytesMax = 512 * 1024;
constexpr int64_t kPieceNs = 10'000;

thread_local SlicedReleases* promised = nullptr;

void unmap(void* memory, size_t bytes) noexcept {
  // Fails only for want of memory for bookkeeping, when a mapping is cut in two; then it stays mapped, but empty.
  if (::munmap(memory, bytes) != 0) ::madvise(memory, bytes, MADV_DONTNEED);
}

// Sizes that differ by an eighth or less are the same: what is not touched costs nothing.
size_t rounded(size_t bytes) noexcept {
  const size_t granule = std::max<size_t>(std::bit_floor(bytes) / 8, kMappedBytesMin);
  return (bytes + granule - 1) / granule * granule;
}

}  // namespace

void* allocate_large(size_t bytes) noexcept {
  SLUICE_DCHECK(bytes >= kMappedBytesMin);
  void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return nullptr;
  ::madvise(memory, bytes, MADV_NOHUGEPAGE);
  return memory;
}

void release_large(void* memory, size_t bytes) noexcept {
  if (promised == nullptr) {
    unmap(memory, bytes);
    return;
  }
  promised->pieces_.push_back({static_cast<std::byte*>(memory), bytes});
  promised->pending_ += bytes;
}

void* allocate_large_again(size_t bytes) noexcept {
  const size_t wanted = rounded(bytes);
  if (promised != nullptr) {
    std::vector<SlicedReleases::Kept>& kept = promised->kept_;
    const auto found = std::ranges::find(kept, wanted, &SlicedReleases::Kept::bytes);
    if (found != kept.end()) {
      void* const memory = found->memory;
      promised->kept_bytes_ -= wanted;
      kept.erase(found);
      return memory;
    }
  }
  return allocate_large(wanted);
}

void release_large_again(void* memory, size_t bytes) noexcept {
  const size_t had = rounded(bytes);
  if (promised == nullptr || promised->kept_.size() == kLargePiecesKept ||
      promised->kept_bytes_ + had > kLargeBytesKept) {
    release_large(memory, had);
    return;
  }
  promised->kept_.push_back({static_cast<std::byte*>(memory), had, false});
  promised->kept_bytes_ += had;
}

bool release_in_slices(ReleaseLeft (*some)(void*), void* context) {
  if (promised == nullptr) return false;
  promised->sources_.push_back({some, context});
  ++promised->pending_;
  return true;
}

void forget_release(void* context) noexcept {
  if (promised == nullptr) return;
  const auto its_own = [context](const SlicedReleases::Source& source) { return source.context == context; };
  promised->pending_ -= std::erase_if(promised->sources_, its_own);
  std::erase_if(promised->later_, its_own);
}

void age_large_memory() noexcept {
  if (promised == nullptr) return;
  std::erase_if(promised->kept_, [](SlicedReleases::Kept& piece) {
    if (!std::exchange(piece.old, true)) return false;
    promised->kept_bytes_ -= piece.bytes;
    release_large(piece.memory, piece.bytes);
    return true;
  });
}

void SlicedReleases::ask_again() noexcept {
  for (const Source& source : later_) sources_.push_back(source);
  pending_ += later_.size();
  later_.clear();
  later_at_ns_ = INT64_MAX;
}

SlicedReleases::SlicedReleases() noexcept {
  SLUICE_CHECK(promised == nullptr);
  promised = this;
}

SlicedReleases::~SlicedReleases() {
  promised = nullptr;
  for (const Piece& piece : pieces_) unmap(piece.memory, piece.bytes);
  for (const Kept& piece : kept_) unmap(piece.memory, piece.bytes);
}

// From the end of a piece, so that what remains is one mapping and begins at the same page.
void SlicedReleases::step(Deadline deadline) noexcept {
  size_t piece_bytes = kPieceBytesMin;
  int64_t now_ns = monotonic_ns();
  while (!pieces_.empty()) {
    Piece& piece = pieces_.back();
    const size_t rest = (piece.bytes - 1) / piece_bytes * piece_bytes;
    unmap(piece.memory + rest, piece.bytes - rest);
    pending_ -= piece.bytes - rest;
    piece.bytes = rest;
    if (rest == 0) pieces_.pop_back();
    const int64_t began_ns = std::exchange(now_ns, monotonic_ns());
    piece_bytes = now_ns - began_ns < kPieceNs ? std::min(piece_bytes * 2, kPieceBytesMax)
                                               : std::max(piece_bytes / 2, kPieceBytesMin);
    if (now_ns >= deadline.at_ns) return;
  }
  while (!sources_.empty()) {
    const Source source = sources_.back();
    const ReleaseLeft left = source.some(source.context);
    if (left != ReleaseLeft::kSome) forget_release(source.context);
    if (left == ReleaseLeft::kForLater) {
      later_.push_back(source);
      later_at_ns_ = monotonic_ns() + kReleaseLaterNs;
    }
    if (deadline.passed()) return;
  }
}

}  // namespace sluice
