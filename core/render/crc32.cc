#include "core/render/crc32.h"

#include <isa-l/crc.h>

#include <array>

namespace sluice::render {

namespace {

// Polynomials over GF(2) modulo the CRC's, with the coefficient of x^0 in the top bit, as CRCs are reflected.
constexpr uint32_t kPolynomial = 0xedb88320;
constexpr uint32_t kOne = uint32_t{1} << 31;
constexpr uint32_t kX = uint32_t{1} << 30;

// Multiplication by x moves every coefficient down one bit; x^32 is replaced by the rest of the polynomial.
constexpr uint32_t times_x(uint32_t a) noexcept { return (a & 1) != 0 ? (a >> 1) ^ kPolynomial : a >> 1; }

constexpr uint32_t multiply(uint32_t a, uint32_t b) noexcept {
  uint32_t product = 0;
  for (int power = 0; power < 32; ++power) {
    if ((a >> (31 - power) & 1) != 0) product ^= b;
    b = times_x(b);
  }
  return product;
}

// x^(8 * 2^i): the factor for 2^i bytes.
constexpr auto kBytePowers = [] {
  std::array<uint32_t, 64> powers{};
  uint32_t power = kX;
  for (int i = 0; i < 3; ++i) power = multiply(power, power);
  for (uint32_t& at : powers) {
    at = power;
    power = multiply(power, power);
  }
  return powers;
}();

}  // namespace

uint32_t crc32(uint32_t crc, std::string_view text) noexcept {
  return crc32_gzip_refl(crc, reinterpret_cast<const unsigned char*>(text.data()), text.size());
}

uint32_t crc32_combine(uint32_t crc_a, uint32_t crc_b, uint64_t bytes_b) noexcept {
  uint32_t factor = kOne;
  for (size_t i = 0; bytes_b != 0; ++i, bytes_b >>= 1) {
    if ((bytes_b & 1) != 0) factor = multiply(factor, kBytePowers[i]);
  }
  return multiply(factor, crc_a) ^ crc_b;
}

}  // namespace sluice::render
