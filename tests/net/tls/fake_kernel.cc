#include "tests/net/tls/fake_kernel.h"

#include <linux/tls.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "core/base/check.h"

namespace sluice::net::tls {
namespace {

constexpr size_t kTagBytes = 16;
constexpr size_t kRecordBytesMax = 16 * 1024;

std::string big_endian(uint64_t number, int bytes) {
  std::string text;
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) text += static_cast<char>(number >> shift);
  return text;
}

template <size_t kBytes>
std::string bytes_of(const unsigned char (&field)[kBytes]) {
  return {reinterpret_cast<const char*>(field), kBytes};
}

std::string aead(uint16_t cipher, const std::string& key, const std::string& nonce, const std::string& more,
                 std::string_view plaintext) {
  const EVP_CIPHER* const method = cipher == TLS_CIPHER_AES_GCM_128   ? EVP_aes_128_gcm()
                                   : cipher == TLS_CIPHER_AES_GCM_256 ? EVP_aes_256_gcm()
                                                                      : EVP_chacha20_poly1305();
  const auto data = [](std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); };
  std::string out(plaintext.size() + kTagBytes, '\0');
  auto* const to = reinterpret_cast<unsigned char*>(out.data());
  EVP_CIPHER_CTX* const context = EVP_CIPHER_CTX_new();
  int length = 0;
  SLUICE_CHECK(nonce.size() == 12 && EVP_EncryptInit_ex(context, method, nullptr, data(key), data(nonce)) == 1);
  SLUICE_CHECK(EVP_EncryptUpdate(context, nullptr, &length, data(more), static_cast<int>(more.size())) == 1);
  SLUICE_CHECK(EVP_EncryptUpdate(context, to, &length, data(plaintext), static_cast<int>(plaintext.size())) == 1);
  SLUICE_CHECK(EVP_EncryptFinal_ex(context, to + length, &length) == 1);
  SLUICE_CHECK(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, kTagBytes, to + plaintext.size()) == 1);
  EVP_CIPHER_CTX_free(context);
  return out;
}

}  // namespace

RecordSealer::RecordSealer(const KernelKey& key) {
  tls_crypto_info info{};
  std::memcpy(&info, key.info.data(), sizeof info);
  version_ = info.version;
  cipher_ = info.cipher_type;
  std::string sequence;
  const auto take = [&](auto all) {
    SLUICE_CHECK(key.bytes == sizeof all);
    std::memcpy(&all, key.info.data(), sizeof all);
    key_ = bytes_of(all.key);
    iv_ = bytes_of(all.iv);
    sequence = bytes_of(all.rec_seq);
    if constexpr (requires { all.salt[0]; })
      salt_ = std::string(reinterpret_cast<const char*>(all.salt), sizeof all.salt);
  };
  if (cipher_ == TLS_CIPHER_AES_GCM_128) {
    take(tls12_crypto_info_aes_gcm_128{});
  } else if (cipher_ == TLS_CIPHER_AES_GCM_256) {
    take(tls12_crypto_info_aes_gcm_256{});
  } else {
    SLUICE_CHECK(cipher_ == TLS_CIPHER_CHACHA20_POLY1305);
    take(tls12_crypto_info_chacha20_poly1305{});
  }
  for (const char byte : sequence) sequence_ = sequence_ << 8 | static_cast<unsigned char>(byte);
}

std::string RecordSealer::seal(uint8_t type, std::string_view plaintext) {
  std::string records;
  for (size_t at = 0; at < plaintext.size(); at += kRecordBytesMax) {
    records += seal_one(type, plaintext.substr(at, kRecordBytesMax));
    ++sequence_;
  }
  return records;
}

// RFC 8446, 5.2, and RFC 5288 or 7905.
std::string RecordSealer::seal_one(uint8_t type, std::string_view plaintext) {
  const std::string sequence = big_endian(sequence_, 8);
  std::string nonce = salt_ + iv_;
  const bool explicit_nonce = version_ == TLS_1_2_VERSION && cipher_ != TLS_CIPHER_CHACHA20_POLY1305;
  if (explicit_nonce) {
    // The kernel counts its part of the nonce up from what it was given.
    uint64_t number = 0;
    for (const char byte : iv_) number = number << 8 | static_cast<unsigned char>(byte);
    const std::string counted = big_endian(number, 8);
    nonce = salt_ + counted;
    iv_ = big_endian(number + 1, 8);
    const std::string more = sequence + static_cast<char>(type) + "\x03\x03" + big_endian(plaintext.size(), 2);
    const std::string sealed = counted + aead(cipher_, key_, nonce, more, plaintext);
    return static_cast<char>(type) + std::string("\x03\x03") + big_endian(sealed.size(), 2) + sealed;
  }
  for (size_t i = 0; i < 8; ++i) nonce[4 + i] = static_cast<char>(nonce[4 + i] ^ sequence[i]);
  if (version_ == TLS_1_2_VERSION) {
    const std::string more = sequence + static_cast<char>(type) + "\x03\x03" + big_endian(plaintext.size(), 2);
    const std::string sealed = aead(cipher_, key_, nonce, more, plaintext);
    return static_cast<char>(type) + std::string("\x03\x03") + big_endian(sealed.size(), 2) + sealed;
  }
  const std::string inner = std::string(plaintext) + static_cast<char>(type);
  const std::string head = std::string("\x17\x03\x03") + big_endian(inner.size() + kTagBytes, 2);
  return head + aead(cipher_, key_, nonce, head, inner);
}

bool FakeKernel::takes(uint16_t /*version*/, uint16_t cipher) const {
  return ciphers.empty() || std::ranges::find(ciphers, cipher) != ciphers.end();
}

int FakeKernel::begin_sending(int socket, const KernelKey& key) const {
  if (error != 0) return error;
  ++sockets;
  begun(socket, std::make_shared<RecordSealer>(key));
  return 0;
}

}  // namespace sluice::net::tls
