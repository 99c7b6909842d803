// kTLS: the kernel seals the records of what a connection sends; OpenSSL makes the handshake and hands over the key.
//
// Only sending: what is received is a few hundred bytes a push, and OpenSSL 3.0 hands over no key for it in TLS 1.3.
// The kernel cannot change keys of a connection, so a peer that asks for new ones is cut off.
//
// Thread: any.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sluice::net::tls {

// A key as the kernel takes it (linux/tls.h: tls12_crypto_info_*), wiped at its end.
struct KernelKey {
  static constexpr size_t kBytesMax = 64;
  KernelKey() = default;
  KernelKey(const KernelKey&) = default;
  KernelKey& operator=(const KernelKey&) = default;
  ~KernelKey();

  std::array<unsigned char, kBytesMax> info{};
  size_t bytes = 0;
};

class KernelTls {
 public:
  virtual ~KernelTls() = default;
  // Whether a key with this version and cipher (TLS_CIPHER_*) can be handed over.
  [[nodiscard]] virtual bool takes(uint16_t version, uint16_t cipher) const = 0;
  // Before anything of TLS is sent: whether this socket can be given a key later on. It stays as it is until then.
  [[nodiscard]] virtual bool attach(int socket) const = 0;
  // From now on what is sent on this socket is sealed. 0 or a negative errno; the connection is of no use then.
  [[nodiscard]] virtual int begin_sending(int socket, const KernelKey& key) const = 0;
};

// That of this kernel, asked once with keys of zeros on connections of loopback; nullptr where it has none: no module,
// or none that this process may load.
[[nodiscard]] const KernelTls* kernel_tls();
// What it takes, "TLS 1.3 AES_128_GCM, ..."; for the log.
[[nodiscard]] std::string kernel_tls_text();

// `crypto_info` as OpenSSL gives it with BIO_CTRL_SET_KTLS; nullopt when `kernel` does not take it.
[[nodiscard]] std::optional<KernelKey> kernel_key(const void* crypto_info, const KernelTls& kernel) noexcept;

}  // namespace sluice::net::tls
