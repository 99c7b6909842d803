#include "core/wal/content.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>

namespace sluice::wal {
namespace {

// What is given up where a byte of it cannot be read, and what is asked for at once.
constexpr size_t kPieceBytes = 4096;
constexpr size_t kReadBytes = size_t{1} << 20;

class Mapping final : public Content {
 public:
  Mapping(void* at, size_t bytes) noexcept : at_(at), bytes_(bytes) {}
  ~Mapping() override {
    if (bytes_ != 0) munmap(at_, bytes_);
  }
  [[nodiscard]] std::string_view bytes() const noexcept override { return {static_cast<const char*>(at_), bytes_}; }
  [[nodiscard]] std::optional<uint64_t> unreadable() const noexcept override { return unreadable_; }

  // From the file to memory of its own.
  void copy(int file) noexcept {
    for (size_t at = 0; at < bytes_;) {
      const size_t wanted = std::min(kReadBytes, bytes_ - at);
      at += copy_piece(file, at, wanted);
      if (at == bytes_) return;
      // There is a place in the next ones that cannot be read: in small pieces, to lose no more than that.
      const size_t end = std::min(bytes_, at + kReadBytes);
      while (at < end) at += copy_small(file, at);
    }
  }

 private:
  // How much could be read.
  size_t copy_piece(int file, size_t at, size_t wanted) noexcept {
    size_t done = 0;
    while (done < wanted) {
      const ssize_t got =
          pread(file, static_cast<char*>(at_) + at + done, wanted - done, static_cast<off_t>(at + done));
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) break;
      done += static_cast<size_t>(got);
    }
    return done;
  }
  // Up to the next multiple of a piece, whatever could be read of it.
  size_t copy_small(int file, size_t at) noexcept {
    const size_t wanted = std::min(kPieceBytes - at % kPieceBytes, bytes_ - at);
    const size_t done = copy_piece(file, at, wanted);
    if (done < wanted && !unreadable_) unreadable_ = at + done;
    return wanted;
  }

  void* const at_;
  const size_t bytes_;
  std::optional<uint64_t> unreadable_;
};

}  // namespace

Result<std::unique_ptr<Content>, int> read_content(int file, size_t bytes) {
  if (bytes == 0) return std::make_unique<Mapping>(nullptr, 0);
  void* at = mmap(nullptr, bytes, PROT_READ, MAP_PRIVATE, file, 0);
  if (at == MAP_FAILED) return std::unexpected(errno);
#ifdef MADV_POPULATE_READ
  if (madvise(at, bytes, MADV_POPULATE_READ) == 0) return std::make_unique<Mapping>(at, bytes);
#endif
  // Something of it cannot be read, or this kernel does not say.
  munmap(at, bytes);
  at = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (at == MAP_FAILED) return std::unexpected(errno);
  auto copy = std::make_unique<Mapping>(at, bytes);
  copy->copy(file);
  return copy;
}

}  // namespace sluice::wal
