// A kernel's TLS in the process: takes keys as the kernel does (linux/tls.h) and makes records with them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/tls/kernel_tls.h"

namespace sluice::net::tls {

// The sending side of one connection.
class RecordSealer {
 public:
  explicit RecordSealer(const KernelKey& key);
  // As many records of `type` as it takes.
  [[nodiscard]] std::string seal(uint8_t type, std::string_view plaintext);

 private:
  [[nodiscard]] std::string seal_one(uint8_t type, std::string_view plaintext);

  uint16_t version_ = 0;
  uint16_t cipher_ = 0;
  std::string key_;
  std::string salt_;
  std::string iv_;
  uint64_t sequence_ = 0;
};

class FakeKernel final : public KernelTls {
 public:
  // Is given what seals what this socket sends from now on.
  using Begun = std::function<void(int socket, std::shared_ptr<RecordSealer>)>;

  [[nodiscard]] bool takes(uint16_t version, uint16_t cipher) const override;
  [[nodiscard]] bool attach(int /*socket*/) const override { return attaches; }
  [[nodiscard]] int begin_sending(int socket, const KernelKey& key) const override;

  Begun begun;
  std::vector<uint16_t> ciphers;  // those that it takes; none: all
  bool attaches = true;           // attach()
  int error = 0;                  // of begin_sending()
  mutable int sockets = 0;        // that have begun
};

}  // namespace sluice::net::tls
