// The grouping key: the labels of the push URL, canonical.
//
// Canonical means: names sorted and unique (the last of a repeated name wins), `job` among them, an empty `instance`
// left out (it is the same group as none). `bytes` is the one encoding that the map hashes and compares, the log writes
// and every page id is derived from: for each label, name length, name, value length, value; lengths as 32-bit
// little-endian.
//
// A plain value: copies own their bytes; the label views of labels() point into the key they were taken from.
#pragma once

#include <cstdint>
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
  // `bytes` as another GroupKey encoded them (a log record).
  [[nodiscard]] static GroupKey from_bytes(std::string_view bytes);

  [[nodiscard]] std::string_view bytes() const noexcept { return bytes_; }
  // keyed_hash(bytes()).
  [[nodiscard]] uint64_t hash() const noexcept { return hash_; }
  // Sorted by name.
  [[nodiscard]] size_t label_count() const noexcept { return spans_.size(); }
  [[nodiscard]] LabelPair label(size_t index) const noexcept;
  // The value of `name`, or nullptr-data view when the key has no such label.
  [[nodiscard]] std::string_view value_of(std::string_view name) const noexcept;
  [[nodiscard]] std::string_view job() const noexcept { return value_of("job"); }

 private:
  struct Span {
    uint32_t name_at, name_bytes, value_at, value_bytes;
  };
  std::string bytes_;
  std::vector<Span> spans_;
  uint64_t hash_ = 0;
};

}  // namespace sluice::model
