// Buckets of versions made by hand, for tests and benches of the renderer: what a store's snapshot would hold.
#pragma once

#include <cstring>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/model/canonical.h"
#include "core/model/shape.h"
#include "core/model/version.h"
#include "core/model/version_access.h"
#include "core/store/snapshot.h"

namespace sluice::render {

class FakeSnapshot {
 public:
  // A shape; families sorted by name. Returns its bucket.
  size_t add_shape(const std::vector<model::ShapeFamily>& families) {
    shapes_.push_back(std::make_unique<model::Shape>(families, shapes_.size() + 1));
    buckets_.emplace_back();
    buckets_.back().shape = shapes_.back().get();
    return buckets_.size() - 1;
  }

  // A group with one fragment text for each family of the shape, in one block of memory, as the store lays it out;
  // `records` may be shorter than the texts.
  void add_group(size_t bucket, std::string_view label_text, const std::vector<std::string>& texts,
                 int64_t push_time_ns = 0, int64_t push_failure_time_ns = 0,
                 const std::vector<std::string>& records = {}) {
    size_t bytes = (sizeof(model::Version) + texts.size() * sizeof(void*) + label_text.size() + 7) & ~size_t{7};
    const size_t fragments_at = bytes;
    const auto record_of = [&](size_t i) {
      return i < records.size() ? std::string_view(records[i]) : std::string_view();
    };
    for (size_t i = 0; i < texts.size(); ++i) {
      bytes += model::Fragment::size_of(1, static_cast<uint32_t>(texts[i].size()),
                                        static_cast<uint32_t>(record_of(i).size()));
    }
    blocks_.push_back(std::make_unique<uint64_t[]>(bytes / 8 + 1));
    auto* const base = reinterpret_cast<std::byte*>(blocks_.back().get());
    model::Version* version = model::VersionAccess::construct(base);
    auto** const table = reinterpret_cast<const std::byte**>(base + sizeof(model::Version));
    char* const labels = reinterpret_cast<char*>(table + texts.size());
    label_text.copy(labels, label_text.size());
    std::byte* at = base + fragments_at;
    for (size_t i = 0; i < texts.size(); ++i) {
      model::FragmentHeader header;
      header.series = 1;
      header.samples = 1;
      header.has_quoted_names =
          texts[i].find("{\"") != std::string::npos || texts[i].find(",\"") != std::string::npos ? 1 : 0;
      header.text_bytes = static_cast<uint32_t>(texts[i].size());
      header.record_bytes = static_cast<uint32_t>(record_of(i).size());
      std::memcpy(at, &header, sizeof(header));
      std::memcpy(at + model::Fragment::text_offset(1), texts[i].data(), texts[i].size());
      record_of(i).copy(reinterpret_cast<char*>(at) + model::Fragment::text_offset(1) + texts[i].size(),
                        record_of(i).size());
      table[i] = at;
      at += model::Fragment(at).bytes();
    }
    model::VersionAccess::set_shape(*version, buckets_[bucket].shape);
    model::VersionAccess::set_label_text(*version, {labels, label_text.size()});
    model::VersionAccess::set_times(*version, push_time_ns, push_failure_time_ns);
    auto& chunks = buckets_[bucket].chunks;
    if (chunks.empty() || chunks.back().size() == kChunk) chunks.emplace_back();
    chunks.back().push_back(version);
    ++buckets_[bucket].groups;
  }

  [[nodiscard]] const std::vector<store::Snapshot::Bucket>& buckets() const { return buckets_; }

  static constexpr size_t kChunk = 1024;

 private:
  std::vector<std::unique_ptr<model::Shape>> shapes_;
  std::deque<std::unique_ptr<uint64_t[]>> blocks_;
  std::vector<store::Snapshot::Bucket> buckets_;
};

}  // namespace sluice::render
