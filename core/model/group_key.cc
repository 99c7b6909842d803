#include "core/model/group_key.h"

#include <algorithm>

#include "core/base/check.h"
#include "core/base/hash.h"

namespace sluice::model {
namespace {

constexpr size_t kLengthBytes = 4;

char* write32(char* at, size_t number) noexcept {
  auto value = static_cast<uint32_t>(number);
  if constexpr (std::endian::native != std::endian::little) value = std::byteswap(value);
  std::memcpy(at, &value, sizeof value);
  return at + sizeof value;
}

char* write_text(char* at, std::string_view text) noexcept {
  at = write32(at, text.size());
  if (!text.empty()) std::memcpy(at, text.data(), text.size());
  return at + text.size();
}

bool is_before(const LabelPair& a, const LabelPair& b) noexcept {
  if (a.name.empty() || b.name.empty() || a.name[0] == b.name[0]) return a.name < b.name;
  return static_cast<unsigned char>(a.name[0]) < static_cast<unsigned char>(b.name[0]);
}

// By name, equal names in the order in which they came.
void sort_labels(std::span<LabelPair> labels) {
  constexpr size_t kFew = 16;
  if (labels.size() > kFew) {
    std::stable_sort(labels.begin(), labels.end(), is_before);
    return;
  }
  for (size_t i = 1; i < labels.size(); ++i) {
    if (!is_before(labels[i], labels[i - 1])) continue;
    const LabelPair moved = labels[i];
    size_t at = i;
    for (; at > 0 && is_before(moved, labels[at - 1]); --at) labels[at] = labels[at - 1];
    labels[at] = moved;
  }
}

struct Kept {
  size_t labels = 0;
  size_t bytes = 0;
};

// Those that count come to the front, in order; how many they are, and how long their encoding is.
Kept keep_labels(std::span<LabelPair> labels) noexcept {
  Kept kept;
  for (size_t i = 0; i < labels.size(); ++i) {
    const LabelPair& label = labels[i];
    if (i + 1 < labels.size() && labels[i + 1].name == label.name) continue;  // the last one wins
    if (label.name == "instance" && label.value.empty()) continue;
    kept.bytes += 2 * kLengthBytes + label.name.size() + label.value.size();
    labels[kept.labels++] = label;
  }
  return kept;
}

}  // namespace

GroupKey GroupKey::from_labels(std::vector<LabelPair> labels) { return from_label_span(labels); }

GroupKey GroupKey::from_label_span(std::span<LabelPair> labels) {
  sort_labels(labels);
  const Kept kept = keep_labels(labels);
  labels = labels.first(kept.labels);
  const size_t bytes = kept.bytes;
  GroupKey key;
  key.bytes_ = static_cast<uint32_t>(bytes);
  key.count_ = static_cast<uint32_t>(labels.size());
  key.buffer_.resize_and_overwrite(bytes + kPlaceBytes * labels.size(), [&](char* begin, size_t size) noexcept {
    char* at = begin;
    char* place = begin + bytes;
    for (const LabelPair& label : labels) {
      place = write32(place, static_cast<size_t>(at - begin) + kLengthBytes);
      at = write_text(write_text(at, label.name), label.value);
    }
    return size;
  });
  key.hash_ = keyed_hash(key.bytes());
  return key;
}

GroupKey GroupKey::from_bytes(std::string_view bytes) {
  GroupKey key;
  key.buffer_ = bytes;
  key.bytes_ = static_cast<uint32_t>(bytes.size());
  const auto skip_text = [&](size_t at) {
    SLUICE_CHECK(at + kLengthBytes <= bytes.size());
    at += kLengthBytes + read32(bytes.data() + at);
    SLUICE_CHECK(at <= bytes.size());
    return at;
  };
  for (size_t at = 0; at < bytes.size();) {
    char place[kPlaceBytes];
    write32(place, at + kLengthBytes);
    key.buffer_.append(place, kPlaceBytes);
    ++key.count_;
    at = skip_text(skip_text(at));
  }
  key.hash_ = keyed_hash(key.bytes());
  return key;
}

std::string_view GroupKey::value_of(std::string_view name) const noexcept {
  for (size_t i = 0; i < count_; ++i) {
    const LabelPair pair = label(i);
    if (pair.name == name) return pair.value;
  }
  return {};
}

}  // namespace sluice::model
