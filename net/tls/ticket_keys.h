// The keys under which session tickets are sealed: one for new tickets, and the two before it for those that clients
// still hold. They live in memory alone, so a restart ends every session; a reload of certificates does not.
//
// A key seals for kTicketKeySeconds; a ticket under an older key is taken and replaced by a new one. So what somebody
// who reads the process's memory can decrypt later is bounded to three periods.
//
// Thread: any; a lock for the time of a copy. Lifetime: outlives every Context made with it.
#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string_view>

namespace sluice::net::tls {

struct TicketKey {
  std::array<unsigned char, 16> name{};
  std::array<unsigned char, 32> cipher{};  // AES-256-CBC
  std::array<unsigned char, 32> mac{};     // HMAC-SHA256
};

class TicketKeys {
 public:
  static constexpr int64_t kTicketKeySeconds = 6 * 3600;

  TicketKeys() = default;
  ~TicketKeys();
  TicketKeys(const TicketKeys&) = delete;
  TicketKeys& operator=(const TicketKeys&) = delete;

  // For a new ticket, made first or anew when its time is over. `now_ns`: monotonic. nullopt: no randomness.
  [[nodiscard]] std::optional<TicketKey> sealing(int64_t now_ns);
  struct Found {
    TicketKey key;
    bool old = false;  // the ticket should be replaced
  };
  [[nodiscard]] std::optional<Found> opening(std::string_view name, int64_t now_ns);

 private:
  // With the lock held. False: no randomness.
  [[nodiscard]] bool rotate(int64_t now_ns);

  std::mutex mutex_;
  std::array<TicketKey, 3> keys_{};  // guarded by mutex_; the newest first
  size_t count_ = 0;                 // guarded by mutex_
  int64_t made_ns_ = 0;              // guarded by mutex_; of the newest
};

}  // namespace sluice::net::tls
