#include "core/wal/record.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include "core/base/check.h"
#include "core/base/hash.h"
#include "core/wal/bytes.h"
#include "core/wal/pattern.h"

namespace sluice::wal {
namespace {

constexpr std::string_view kSegmentMagic = "sluicewl";
constexpr std::string_view kSnapshotMagic = "sluicews";
constexpr uint32_t kFormat = 2;
constexpr uint32_t kFormatOldest = 1;  // has no patterns, and all else is the same
constexpr RecordKind kKindLast = RecordKind::kPutFilled;
constexpr size_t kPatternGapBytes = 4096;
constexpr uint64_t kHeaderSeed = 0x736c756963650001;

template <typename T>
T load(std::string_view bytes, size_t at) noexcept {
  T value{};
  std::memcpy(&value, bytes.data() + at, sizeof(value));
  return value;
}

// Of a record at `offset` of the file with this seed.
uint64_t record_checksum(std::string_view payload, uint64_t seed, uint64_t offset, uint32_t kind) noexcept {
  const uint64_t where = (seed ^ offset * 0x9e3779b97f4a7c15) + (uint64_t{kind} << 32 | payload.size());
  return checksum(payload, where);
}

// Writes behind what a string holds, into room that was counted before: a record has many small fields.
class Filler {
 public:
  explicit Filler(char* at) noexcept : at_(at) {}

  template <typename T>
  void put(T value) noexcept {
    std::memcpy(at_, &value, sizeof(value));
    at_ += sizeof(value);
  }
  void put_string(std::string_view text) noexcept {
    put(static_cast<uint32_t>(text.size()));
    put_bytes(text);
  }
  void put_bytes(std::string_view bytes) noexcept {
    if (bytes.empty()) return;  // memcpy wants a place to read from even then
    std::memcpy(at_, bytes.data(), bytes.size());
    at_ += bytes.size();
  }
  [[nodiscard]] const char* at() const noexcept { return at_; }

 private:
  char* at_;
};

size_t string_bytes(std::string_view text) noexcept { return sizeof(uint32_t) + text.size(); }

// Appends a record of so many bytes of payload, which `fill(Filler&)` writes; its checksum stays 0.
template <typename Fill>
void append_record(std::string& out, RecordKind kind, size_t payload, Fill fill) {
  SLUICE_CHECK(payload <= kRecordBytesMax);
  const size_t at = out.size();
  const size_t end = at + kRecordHeadBytes + payload;
  // The second argument may be more than `end`: GCC 12 passes what it has reserved.
  out.resize_and_overwrite(end, [&](char* data, size_t) {
    Filler filler(data + at);
    filler.put(static_cast<uint32_t>(payload));
    filler.put(static_cast<uint32_t>(kind));
    filler.put(uint64_t{0});
    fill(filler);
    SLUICE_DCHECK(filler.at() == data + end);
    return end;
  });
}

// A family of a push or of a version.
template <typename Family>
size_t family_bytes(const Family& family, const model::Fragment& fragment) noexcept {
  return string_bytes(family.name) + string_bytes(family.help) + 2 * sizeof(uint8_t) + sizeof(int64_t) +
         string_bytes(fragment.text()) + string_bytes(fragment.record());
}

template <typename Family>
void put_family(Filler& filler, const Family& family, int64_t push_time_ns, const model::Fragment& fragment) noexcept {
  filler.put_string(family.name);
  filler.put_string(family.help);
  filler.put(static_cast<uint8_t>(family.has_help));
  filler.put(static_cast<uint8_t>(family.type));
  filler.put(push_time_ns);
  filler.put_string(fragment.text());
  filler.put_string(fragment.record());
}

void put_times(Filler& filler, const model::Version& version) noexcept {
  filler.put(version.push_time_ns());
  filler.put(version.push_failure_time_ns());
}

RecordKind kind_of(store::ChangeKind kind) noexcept {
  switch (kind) {
    case store::ChangeKind::kPost:
      return RecordKind::kPost;
    case store::ChangeKind::kPut:
      return RecordKind::kPut;
    case store::ChangeKind::kFail:
      return RecordKind::kFail;
    case store::ChangeKind::kErase:
      break;
  }
  return RecordKind::kErase;
}

}  // namespace

void append_header(std::string& out, const FileHeader& header) {
  std::string copy(header.kind == FileKind::kSegment ? kSegmentMagic : kSnapshotMagic);
  put(copy, kFormat);
  put(copy, header.worker);
  put(copy, header.sequence);
  put(copy, header.seed);
  put(copy, header.boot);
  copy.resize(kHeaderCopyBytes - sizeof(uint64_t), '\0');
  put(copy, checksum(copy, kHeaderSeed));
  out += copy;
  out += copy;
}

void seal_records(std::string& records, uint64_t offset, uint64_t seed) noexcept {
  for (size_t at = 0; at < records.size();) {
    const auto bytes = load<uint32_t>(records, at);
    const auto kind = load<uint32_t>(records, at + 4);
    const std::string_view payload = std::string_view(records).substr(at + kRecordHeadBytes, bytes);
    const uint64_t sum = record_checksum(payload, seed, offset + at, kind);
    std::memcpy(records.data() + at + 8, &sum, sizeof(sum));
    at += kRecordHeadBytes + bytes;
  }
}

void append_change(std::string& out, const store::Change& change) {
  const RecordKind kind = kind_of(change.kind);
  const bool families = kind == RecordKind::kPost || kind == RecordKind::kPut;
  size_t payload = sizeof(uint64_t) + string_bytes(change.label_text);
  if (kind != RecordKind::kErase) payload += 2 * sizeof(int64_t);
  if (families) {
    payload += sizeof(uint32_t);
    for (const model::CanonicalFamily& family : change.push->families)
      payload += family_bytes(family, change.push->fragment(family));
  }
  append_record(out, kind, payload, [&](Filler& filler) {
    filler.put(change.stamp);
    filler.put_string(change.label_text);
    if (kind != RecordKind::kErase) put_times(filler, *change.version);
    if (!families) return;
    filler.put(static_cast<uint32_t>(change.push->families.size()));
    for (const model::CanonicalFamily& family : change.push->families)
      put_family(filler, family, change.version->push_time_ns(), change.push->fragment(family));
  });
}

void append_pattern(std::string& out, const store::Change& change) {
  std::string payload;
  put(payload, change.push->list);
  append_pattern_payload(payload, *change.push);
  const auto append_copy = [&] {
    append_record(out, RecordKind::kPattern, payload.size(), [&](Filler& filler) { filler.put_bytes(payload); });
  };
  append_copy();
  // A mark that says nothing: no block of the disk has a part of both copies.
  append_record(out, RecordKind::kMark, kPatternGapBytes, [](Filler& filler) {
    static constexpr std::array<char, kPatternGapBytes> kZeros{};
    filler.put_bytes({kZeros.data(), kZeros.size()});
  });
  append_copy();
}

void append_filled(std::string& out, const store::Change& change) {
  const model::CanonicalPush& push = *change.push;
  const RecordKind kind = change.kind == store::ChangeKind::kPut ? RecordKind::kPutFilled : RecordKind::kPostFilled;
  size_t numbers = push.samples;  // the newlines
  for (size_t index = 0; index < push.samples; ++index) numbers += push.numbers[index].size;
  const size_t payload =
      2 * sizeof(uint64_t) + string_bytes(change.label_text) + 2 * sizeof(int64_t) + 2 * sizeof(uint32_t) + numbers;
  append_record(out, kind, payload, [&](Filler& filler) {
    filler.put(change.stamp);
    filler.put_string(change.label_text);
    put_times(filler, *change.version);
    filler.put(push.list);
    filler.put(static_cast<uint32_t>(push.families.size()));
    filler.put(static_cast<uint32_t>(numbers));
    for (size_t index = 0; index < push.samples; ++index) {
      filler.put_bytes(push.number(index));
      filler.put('\n');
    }
  });
}

bool is_filled_as_written(const store::Change& change) {
  const model::CanonicalPush& push = *change.push;
  std::string payload;
  append_pattern_payload(payload, push);
  std::string numbers;
  for (size_t index = 0; index < push.samples; ++index) (numbers += push.number(index)) += '\n';
  std::string text;
  std::vector<StoredFamily> families;
  if (!fill_pattern(payload, change.label_text, numbers, text, families)) return false;
  return std::ranges::equal(
      families, push.families, [&](const StoredFamily& read, const model::CanonicalFamily& family) {
        const model::Fragment fragment = push.fragment(family);
        return read.name == family.name && read.help == family.help && read.has_help == family.has_help &&
               read.type == family.type && read.text == fragment.text() && fragment.record().empty();
      });
}

bool append_group(std::string& out, const model::Version& version, uint64_t bytes_max) {
  const size_t count = version.shape().size();
  size_t payload = sizeof(uint64_t) + string_bytes(version.label_text()) + 2 * sizeof(int64_t) + sizeof(uint32_t);
  for (size_t i = 0; i < count; ++i) payload += family_bytes(version.shape().family(i), version.fragment(i));
  if (payload > bytes_max) return false;
  append_record(out, RecordKind::kGroup, payload, [&](Filler& filler) {
    filler.put(version.stamp());
    filler.put_string(version.label_text());
    put_times(filler, version);
    filler.put(static_cast<uint32_t>(count));
    for (size_t i = 0; i < count; ++i) {
      const model::Fragment fragment = version.fragment(i);
      put_family(filler, version.shape().family(i), fragment.header().push_time_ns, fragment);
    }
  });
  return true;
}

void append_end(std::string& out, uint64_t groups) {
  append_record(out, RecordKind::kEnd, sizeof(groups), [groups](Filler& filler) { filler.put(groups); });
}

void append_mark(std::string& out) {
  SLUICE_DCHECK(out.empty());
  append_record(out, RecordKind::kMark, sizeof(DurableMark), [](Filler& filler) { filler.put(DurableMark{}); });
}

void set_mark(std::string& out, const DurableMark& mark) noexcept {
  static_assert(sizeof(mark) == 3 * sizeof(uint64_t));
  std::memcpy(out.data() + kRecordHeadBytes, &mark, sizeof(mark));
}

bool RecordView::read_families(std::vector<StoredFamily>& out, std::string& text) const {
  out.clear();
  if (is_filled()) {
    if (!fill_pattern(pattern_bytes, label_text, family_bytes, text, out) || out.size() != families) return false;
    for (StoredFamily& family : out) {
      family.push_time_ns = push_time_ns;
      family.text_is_made = true;
    }
    return true;
  }
  Cursor cursor{family_bytes};
  for (uint32_t i = 0; i < families; ++i) {
    StoredFamily& family = out.emplace_back();
    family.name = cursor.take_string();
    family.help = cursor.take_string();
    family.has_help = cursor.take<uint8_t>() != 0;
    const auto type = cursor.take<uint8_t>();
    family.type = static_cast<model::MetricType>(type);
    family.push_time_ns = cursor.take<int64_t>();
    family.text = cursor.take_string();
    family.record = cursor.take_string();
    if (!cursor.ok || type > static_cast<uint8_t>(model::kMetricTypeLast)) return false;
  }
  return cursor.rest.empty();
}

namespace {

bool is_known(uint32_t format) noexcept { return format >= kFormatOldest && format <= kFormat; }

// The copy of the header that stands at `at`; empty when it does not verify.
std::string_view header_copy(std::string_view bytes, size_t at) noexcept {
  if (bytes.size() < at + kHeaderCopyBytes) return {};
  const std::string_view copy = bytes.substr(at, kHeaderCopyBytes);
  const size_t summed = kHeaderCopyBytes - sizeof(uint64_t);
  return checksum(copy.substr(0, summed), kHeaderSeed) == load<uint64_t>(copy, summed) ? copy : std::string_view();
}

}  // namespace

uint32_t RecordReader::unknown_format(std::string_view bytes) noexcept {
  for (const size_t at : {size_t{0}, kHeaderCopyBytes}) {
    const std::string_view copy = header_copy(bytes, at);
    if (copy.starts_with(kSegmentMagic) || copy.starts_with(kSnapshotMagic)) {
      const auto format = load<uint32_t>(copy, kSegmentMagic.size());
      return is_known(format) ? 0 : format;
    }
  }
  return 0;
}

Result<RecordReader, std::string> RecordReader::open(std::string_view bytes) {
  if (bytes.size() < kFileHeaderBytes) return std::unexpected("it is shorter than a header");
  RecordReader reader;
  reader.bytes_ = bytes;
  const std::string_view second = header_copy(bytes, kHeaderCopyBytes);
  std::string_view head = header_copy(bytes, 0);
  if (head.empty()) {
    reader.bad_header_ = 0;
    head = second;
  } else if (second != head) {
    reader.bad_header_ = kHeaderCopyBytes;
  }
  if (head.empty()) return std::unexpected("its header does not verify");
  const std::string_view magic = head.substr(0, 8);
  if (magic != kSegmentMagic && magic != kSnapshotMagic) return std::unexpected("it is of another program");
  if (const auto format = load<uint32_t>(head, 8); !is_known(format)) {
    return std::unexpected(
        fmt::format("its format is {}, and this program knows formats {} to {}", format, kFormatOldest, kFormat));
  }
  reader.header_ = {magic == kSegmentMagic ? FileKind::kSegment : FileKind::kSnapshot, load<uint32_t>(head, 12),
                    load<uint64_t>(head, 16), load<uint64_t>(head, 24), load<uint64_t>(head, 32)};
  return reader;
}

bool RecordReader::parse(uint64_t at, RecordView& out, uint64_t& end) const {
  if (bytes_.size() - at < kRecordHeadBytes) return false;
  const auto bytes = load<uint32_t>(bytes_, at);
  const auto kind = load<uint32_t>(bytes_, at + 4);
  if (kind < static_cast<uint32_t>(RecordKind::kPost) || kind > static_cast<uint32_t>(kKindLast)) return false;
  if (bytes > bytes_.size() - at - kRecordHeadBytes) return false;
  const std::string_view payload = bytes_.substr(at + kRecordHeadBytes, bytes);
  if (record_checksum(payload, header_.seed, at, kind) != load<uint64_t>(bytes_, at + 8)) return false;
  end = at + kRecordHeadBytes + bytes;
  Cursor cursor{payload};
  out = {};
  out.kind = static_cast<RecordKind>(kind);
  out.offset = at;
  if (out.kind == RecordKind::kMark) {
    out.mark = cursor.take<DurableMark>();
    return cursor.ok;
  }
  if (out.kind == RecordKind::kPattern) {
    out.pattern = cursor.take<uint64_t>();
    out.pattern_bytes = cursor.rest;
    return cursor.ok && out.pattern != 0;
  }
  out.stamp = cursor.take<uint64_t>();
  if (out.kind == RecordKind::kEnd) return cursor.ok;
  out.label_text = cursor.take_string();
  if (out.kind == RecordKind::kErase) return cursor.ok;
  out.push_time_ns = cursor.take<int64_t>();
  out.push_failure_time_ns = cursor.take<int64_t>();
  if (out.kind == RecordKind::kFail) return cursor.ok;
  if (out.kind == RecordKind::kPostFilled || out.kind == RecordKind::kPutFilled) {
    out.kind = out.kind == RecordKind::kPutFilled ? RecordKind::kPut : RecordKind::kPost;
    out.pattern = cursor.take<uint64_t>();
    out.families = cursor.take<uint32_t>();
    out.family_bytes = cursor.take_string();
    return cursor.ok && out.pattern != 0 && cursor.rest.empty();
  }
  out.families = cursor.take<uint32_t>();
  out.family_bytes = cursor.rest;
  return cursor.ok;
}

RecordReader::Next RecordReader::next(RecordView& out) {
  if (at_ == bytes_.size()) return Next::kEnd;
  uint64_t end = 0;
  if (!parse(at_, out, end)) return Next::kBad;
  at_ = end;
  if (out.kind == RecordKind::kPattern) {
    patterns_[out.pattern] = out.pattern_bytes;
  } else if (out.is_filled()) {
    const auto known = patterns_.find(out.pattern);
    if (known != patterns_.end()) out.pattern_bytes = known->second;
  }
  return Next::kRecord;
}

bool RecordReader::skip() {
  RecordView record;
  uint64_t end = 0;
  for (uint64_t at = at_ + 1; at + kRecordHeadBytes <= bytes_.size(); ++at) {
    // The kind is a small number: most offsets end here.
    if (load<uint32_t>(bytes_, at + 4) - 1 >= static_cast<uint32_t>(kKindLast)) continue;
    if (!parse(at, record, end)) continue;
    at_ = at;
    return true;
  }
  return false;
}

bool RecordReader::is_cut() const noexcept {
  if (bytes_.size() - at_ < kRecordHeadBytes) return true;
  const auto kind = load<uint32_t>(bytes_, at_ + 4);
  return kind >= static_cast<uint32_t>(RecordKind::kPost) && kind <= static_cast<uint32_t>(kKindLast) &&
         load<uint32_t>(bytes_, at_) > bytes_.size() - at_ - kRecordHeadBytes;
}

std::string segment_name(uint32_t worker, uint64_t sequence) {
  return fmt::format("log-{:04x}-{:012x}.seg", worker, sequence);
}
std::string snapshot_name(uint64_t stamp) { return fmt::format("snapshot-{:016x}.snap", stamp); }

namespace {

bool take_hex(std::string_view& text, size_t digits, uint64_t& value) {
  if (text.size() < digits) return false;
  const char* const end = text.data() + digits;
  const auto read = std::from_chars(text.data(), end, value, 16);
  text.remove_prefix(digits);
  return read.ec == std::errc() && read.ptr == end;
}

bool take_text(std::string_view& text, std::string_view wanted) {
  if (!text.starts_with(wanted)) return false;
  text.remove_prefix(wanted.size());
  return true;
}

}  // namespace

bool parse_segment_name(std::string_view name, uint32_t& worker, uint64_t& sequence) {
  uint64_t number = 0;
  if (!take_text(name, "log-") || !take_hex(name, 4, number) || !take_text(name, "-")) return false;
  worker = static_cast<uint32_t>(number);
  return take_hex(name, 12, sequence) && name == ".seg";
}

bool parse_snapshot_name(std::string_view name, uint64_t& stamp) {
  return take_text(name, "snapshot-") && take_hex(name, 16, stamp) && name == ".snap";
}

}  // namespace sluice::wal
