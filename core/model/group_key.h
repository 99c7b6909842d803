// The grouping key: the labels of the push URL, canonical.
//
// Canonical means: names sorted and unique (the last of a repeated name wins), `job` among them, an empty `instance`
// left out (it is the same group as none). `bytes` is the one encoding that the map hashes and compares, the log writes
// and every page id is derived from: for each label, name length, name, value length, value; lengths as 32-bit
// little-endian.
//
// A plain value in one allocation: copies own their bytes; the views of bytes() and label() point into the key that
// they were taken from. A key that was moved from may only be destroyed or assigned to.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/model/families.h"

namespace sluice::model {

class GroupKey {
 public:
  GroupKey() = default;

  // `labels` in any order, `job` included. Sorts, drops earlier duplicates of a name, drops an empty `instance`.
  [[nodiscard]] static GroupKey from_labels(std::vector<LabelPair> labels);
  // The same; `labels` are left in some order, their texts not touched. For those who keep them without a vector.
  [[nodiscard]] static GroupKey from_label_span(std::span<LabelPair> labels);
  // `bytes` as another GroupKey encoded them (a log record).
  [[nodiscard]] static GroupKey from_bytes(std::string_view bytes);

  [[nodiscard]] std::string_view bytes() const noexcept { return {buffer_.data(), bytes_}; }
  // keyed_hash(bytes()).
  [[nodiscard]] uint64_t hash() const noexcept { return hash_; }
  // Sorted by name.
  [[nodiscard]] size_t label_count() const noexcept { return count_; }
  [[nodiscard]] LabelPair label(size_t index) const noexcept {
    const char* const name = buffer_.data() + read32(buffer_.data() + bytes_ + kPlaceBytes * index);
    const char* const value = name + read32(name - 4) + 4;
    return {{name, read32(name - 4)}, {value, read32(value - 4)}};
  }
  // The value of `name`, or nullptr-data view when the key has no such label.
  [[nodiscard]] std::string_view value_of(std::string_view name) const noexcept;
  [[nodiscard]] std::string_view job() const noexcept { return value_of("job"); }

 private:
  static constexpr size_t kPlaceBytes = 4;

  // 32-bit little-endian.
  [[nodiscard]] static uint32_t read32(const char* at) noexcept {
    uint32_t value;
    std::memcpy(&value, at, sizeof value);
    return std::endian::native == std::endian::little ? value : std::byteswap(value);
  }

  std::string buffer_;  // the bytes, and behind them where in them the name of each label begins (read32)
  uint32_t bytes_ = 0;
  uint32_t count_ = 0;
  uint64_t hash_ = 0;
};

}  // namespace sluice::model
