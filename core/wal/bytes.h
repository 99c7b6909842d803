// Little-endian numbers and strings behind one another: how our files are written and read. Internal to core/wal.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace sluice::wal {

static_assert(std::endian::native == std::endian::little, "the files are little-endian");

template <typename T>
void put(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

inline void put_string(std::string& out, std::string_view text) {
  put(out, static_cast<uint32_t>(text.size()));
  out.append(text);
}

// Reads what put() wrote; `ok` goes false instead of reading behind the end.
struct Cursor {
  std::string_view rest;
  bool ok = true;

  template <typename T>
  T take() noexcept {
    T value{};
    if (rest.size() < sizeof(T)) {
      ok = false;
      return value;
    }
    std::memcpy(&value, rest.data(), sizeof(T));
    rest.remove_prefix(sizeof(T));
    return value;
  }
  std::string_view take_string() noexcept {
    const auto bytes = take<uint32_t>();
    if (!ok || rest.size() < bytes) {
      ok = false;
      return {};
    }
    const std::string_view text = rest.substr(0, bytes);
    rest.remove_prefix(bytes);
    return text;
  }
};

}  // namespace sluice::wal
