#include "core/model/group_key.h"

#include <algorithm>
#include <cstring>

#include "core/base/check.h"
#include "core/base/hash.h"

namespace sluice::model {
namespace {

void append_length(std::string& out, size_t length) {
  const auto value = static_cast<uint32_t>(length);
  char raw[4] = {static_cast<char>(value), static_cast<char>(value >> 8), static_cast<char>(value >> 16),
                 static_cast<char>(value >> 24)};
  out.append(raw, 4);
}

uint32_t read_length(std::string_view bytes, size_t at) {
  SLUICE_CHECK(at + 4 <= bytes.size());
  uint32_t value = 0;
  for (int i = 3; i >= 0; --i) value = value << 8 | static_cast<unsigned char>(bytes[at + static_cast<size_t>(i)]);
  return value;
}

}  // namespace

GroupKey GroupKey::from_labels(std::vector<LabelPair> labels) {
  std::stable_sort(labels.begin(), labels.end(),
                   [](const LabelPair& a, const LabelPair& b) { return a.name < b.name; });
  GroupKey key;
  size_t bytes = 0;
  for (const LabelPair& label : labels) bytes += 8 + label.name.size() + label.value.size();
  key.bytes_.reserve(bytes);
  key.spans_.reserve(labels.size());
  for (size_t i = 0; i < labels.size(); ++i) {
    const LabelPair& label = labels[i];
    if (i + 1 < labels.size() && labels[i + 1].name == label.name) continue;  // the last one wins
    if (label.name == "instance" && label.value.empty()) continue;
    Span span{};
    append_length(key.bytes_, label.name.size());
    span.name_at = static_cast<uint32_t>(key.bytes_.size());
    span.name_bytes = static_cast<uint32_t>(label.name.size());
    key.bytes_.append(label.name);
    append_length(key.bytes_, label.value.size());
    span.value_at = static_cast<uint32_t>(key.bytes_.size());
    span.value_bytes = static_cast<uint32_t>(label.value.size());
    key.bytes_.append(label.value);
    key.spans_.push_back(span);
  }
  key.hash_ = keyed_hash(key.bytes_);
  return key;
}

GroupKey GroupKey::from_bytes(std::string_view bytes) {
  GroupKey key;
  key.bytes_ = bytes;
  size_t at = 0;
  while (at < bytes.size()) {
    Span span{};
    span.name_bytes = read_length(bytes, at);
    span.name_at = static_cast<uint32_t>(at + 4);
    at = span.name_at + span.name_bytes;
    span.value_bytes = read_length(bytes, at);
    span.value_at = static_cast<uint32_t>(at + 4);
    at = span.value_at + span.value_bytes;
    SLUICE_CHECK(at <= bytes.size());
    key.spans_.push_back(span);
  }
  key.hash_ = keyed_hash(key.bytes_);
  return key;
}

LabelPair GroupKey::label(size_t index) const noexcept {
  const Span& span = spans_[index];
  const std::string_view all = bytes_;
  return {all.substr(span.name_at, span.name_bytes), all.substr(span.value_at, span.value_bytes)};
}

std::string_view GroupKey::value_of(std::string_view name) const noexcept {
  for (size_t i = 0; i < spans_.size(); ++i) {
    const LabelPair pair = label(i);
    if (pair.name == name) return pair.value;
  }
  return {};
}

}  // namespace sluice::model
