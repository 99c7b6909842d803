#include "net/tls/kernel_tls.h"

#include <arpa/inet.h>
#include <linux/tls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/crypto.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>

namespace sluice::net::tls {
namespace {

struct Cipher {
  uint16_t number;
  size_t bytes;
  std::string_view name;
};

constexpr std::array kCiphers = {
    Cipher{TLS_CIPHER_AES_GCM_128, sizeof(tls12_crypto_info_aes_gcm_128), "AES_128_GCM"},
    Cipher{TLS_CIPHER_AES_GCM_256, sizeof(tls12_crypto_info_aes_gcm_256), "AES_256_GCM"},
#ifdef TLS_CIPHER_CHACHA20_POLY1305
    Cipher{TLS_CIPHER_CHACHA20_POLY1305, sizeof(tls12_crypto_info_chacha20_poly1305), "CHACHA20_POLY1305"},
#endif
};
constexpr std::array<uint16_t, 2> kVersions = {TLS_1_2_VERSION, TLS_1_3_VERSION};

const Cipher* find(uint16_t number) noexcept {
  for (const Cipher& cipher : kCiphers) {
    if (cipher.number == number) return &cipher;
  }
  return nullptr;
}

bool attach_to(int socket) noexcept {
  constexpr std::string_view kName = "tls";
  return ::setsockopt(socket, IPPROTO_TCP, TCP_ULP, kName.data(), kName.size()) == 0;
}

int begin(int socket, const KernelKey& key) noexcept {
  if (::setsockopt(socket, SOL_TLS, TLS_TX, key.info.data(), static_cast<socklen_t>(key.bytes)) != 0) return -errno;
  return 0;
}

class Socket {
 public:
  explicit Socket(int descriptor) noexcept : descriptor_(descriptor) {}
  ~Socket() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  [[nodiscard]] int get() const noexcept { return descriptor_; }

 private:
  int descriptor_;
};

// Whether a connection to `listener` takes a key of zeros.
bool takes_zeros(const sockaddr_in& listener, uint16_t version, const Cipher& cipher) noexcept {
  const Socket client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(client.get(), reinterpret_cast<const sockaddr*>(&listener), sizeof listener) != 0) return false;
  KernelKey key;
  const tls_crypto_info info{version, cipher.number};
  std::memcpy(key.info.data(), &info, sizeof info);
  key.bytes = cipher.bytes;
  return attach_to(client.get()) && begin(client.get(), key) == 0;
}

class ThisKernel final : public KernelTls {
 public:
  ThisKernel() {
    const Socket listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t bytes = sizeof address;
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    if (::bind(listener.get(), any, bytes) != 0 || ::listen(listener.get(), 16) != 0) return;
    if (::getsockname(listener.get(), any, &bytes) != 0) return;
    for (const uint16_t version : kVersions) {
      for (const Cipher& cipher : kCiphers) {
        if (takes_zeros(address, version, cipher)) taken_.push_back({version, &cipher});
      }
    }
  }

  [[nodiscard]] bool takes(uint16_t version, uint16_t cipher) const override {
    for (const auto& [taken_version, taken] : taken_) {
      if (taken_version == version && taken->number == cipher) return true;
    }
    return false;
  }
  [[nodiscard]] bool attach(int socket) const override { return attach_to(socket); }
  [[nodiscard]] int begin_sending(int socket, const KernelKey& key) const override { return begin(socket, key); }
  [[nodiscard]] bool takes_any() const noexcept { return !taken_.empty(); }
  [[nodiscard]] std::string text() const {
    std::string all;
    for (const auto& [version, cipher] : taken_) {
      all += all.empty() ? "TLS 1." : ", TLS 1.";
      all += version == TLS_1_2_VERSION ? "2 " : "3 ";
      all += cipher->name;
    }
    return all;
  }

 private:
  std::vector<std::pair<uint16_t, const Cipher*>> taken_;
};

const ThisKernel& this_kernel() {
  static const ThisKernel kernel;
  return kernel;
}

}  // namespace

KernelKey::~KernelKey() { OPENSSL_cleanse(info.data(), info.size()); }

const KernelTls* kernel_tls() { return this_kernel().takes_any() ? &this_kernel() : nullptr; }

std::string kernel_tls_text() { return this_kernel().text(); }

std::optional<KernelKey> kernel_key(const void* crypto_info, const KernelTls& kernel) noexcept {
  tls_crypto_info info{};
  std::memcpy(&info, crypto_info, sizeof info);
  const Cipher* const cipher = find(info.cipher_type);
  if (cipher == nullptr || !kernel.takes(info.version, info.cipher_type)) return std::nullopt;
  KernelKey key;
  static_assert(KernelKey::kBytesMax >= sizeof(tls12_crypto_info_aes_gcm_256));
  std::memcpy(key.info.data(), crypto_info, cipher->bytes);
  key.bytes = cipher->bytes;
  return key;
}

}  // namespace sluice::net::tls
