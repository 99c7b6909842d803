#include "net/tls/ticket_keys.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <algorithm>

namespace sluice::net::tls {

namespace {
constexpr int64_t kPeriodNs = TicketKeys::kTicketKeySeconds * 1'000'000'000;

template <size_t N>
bool fill(std::array<unsigned char, N>& bytes) {
  return RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) == 1;
}
}  // namespace

TicketKeys::~TicketKeys() { OPENSSL_cleanse(keys_.data(), sizeof keys_); }

bool TicketKeys::rotate(int64_t now_ns) {
  while (count_ == 0 || now_ns - made_ns_ >= kPeriodNs) {
    TicketKey fresh;
    if (!fill(fresh.name) || !fill(fresh.cipher) || !fill(fresh.mac)) return false;
    std::ranges::rotate(keys_, keys_.end() - 1);
    keys_.front() = fresh;
    // After a long rest nothing of it is young enough: the loop puts new keys over all that were there.
    const bool first = count_ == 0;
    count_ = std::min(count_ + 1, keys_.size());
    made_ns_ = first ? now_ns : std::max(made_ns_ + kPeriodNs, now_ns - static_cast<int64_t>(keys_.size()) * kPeriodNs);
  }
  return true;
}

std::optional<TicketKey> TicketKeys::sealing(int64_t now_ns) {
  const std::lock_guard lock(mutex_);
  if (!rotate(now_ns)) return std::nullopt;
  return keys_.front();
}

std::optional<TicketKeys::Found> TicketKeys::opening(std::string_view name, int64_t now_ns) {
  const std::lock_guard lock(mutex_);
  if (!rotate(now_ns)) return std::nullopt;
  for (size_t i = 0; i < count_; ++i) {
    if (std::equal(name.begin(), name.end(), keys_[i].name.begin(), keys_[i].name.end(),
                   [](char a, unsigned char b) { return static_cast<unsigned char>(a) == b; })) {
      return Found{keys_[i], i != 0};
    }
  }
  return std::nullopt;
}

}  // namespace sluice::net::tls
