#include "net/conn/inbox.h"

#include <cstring>
#include <utility>

#include "core/base/check.h"

namespace sluice::net::conn {

void Inbox::push(ring::BufId buffer, char* data, size_t bytes) {
  SLUICE_DCHECK(buffer != ring::kNoBuffer && bytes > 0);
  pieces_.push_back({data, bytes, buffer, nullptr});
}

void Inbox::push_copy(std::string_view bytes) {
  SLUICE_CHECK(pieces_.empty());
  if (!bytes.empty()) push_own(bytes);
}

void Inbox::push_own(std::string_view bytes) {
  SLUICE_DCHECK(!bytes.empty());
  auto own = std::make_unique_for_overwrite<char[]>(bytes.size());
  std::memcpy(own.get(), bytes.data(), bytes.size());
  char* const data = own.get();
  pieces_.push_back({data, bytes.size(), ring::kNoBuffer, std::move(own)});
}

void Inbox::consume(size_t bytes) noexcept {
  SLUICE_DCHECK(bytes <= front().size());
  if (bytes == 0) return;
  read_ += bytes;
  if (read_ == pieces_[reading_].bytes) {
    ++reading_;
    read_ = 0;
  }
}

void Inbox::release(ring::Ring& ring) noexcept {
  if (reading_ == 0) return;
  for (size_t i = 0; i < reading_; ++i) {
    if (pieces_[i].buffer != ring::kNoBuffer) ring.give_back(pieces_[i].buffer);
  }
  pieces_.erase(pieces_.begin(), pieces_.begin() + static_cast<ptrdiff_t>(reading_));
  reading_ = 0;
}

void Inbox::detach(ring::Ring& ring) {
  release(ring);
  if (pieces_.empty() || (pieces_.size() == 1 && pieces_[0].buffer == ring::kNoBuffer)) return;
  std::string unread;
  for (const Piece& piece : pieces_) {
    unread.append(piece.data + read_, piece.bytes - read_);
    read_ = 0;  // of the first one only
  }
  clear(ring);
  push_copy(unread);
}

void Inbox::clear(ring::Ring& ring) noexcept {
  reading_ = pieces_.size();
  read_ = 0;
  release(ring);
}

}  // namespace sluice::net::conn
