#include "tests/core/wal/segment.h"

#include <fmt/format.h>

namespace sluice::wal::testing {

std::vector<std::string> sample_records(size_t bytes_min) {
  store::Store store({});
  store::testing::Client client(store);
  RecordList list;
  client.writer().set_journal(&list);
  size_t bytes = 0;
  size_t counted = 0;
  for (int round = 0; bytes < bytes_min; ++round) {
    const store::testing::Labels group = {{"job", fmt::format("job{}", round % 5)}, {"path", "C:\\DIR\n\"x\""}};
    const std::string values = fmt::format(
        "# HELP requests_total Requests so far.\n# TYPE requests_total counter\nrequests_total {}\n"
        "# TYPE depth gauge\ndepth{{queue=\"a\"}} -0\ndepth{{queue=\"b\"}} {}.5\n",
        1000 + round, round);
    const int64_t wall_ns = 1'700'000'000'000'000'000 + round;
    switch (round % 4) {
      case 0:
        client.put(group, values, wall_ns);
        break;
      case 1:
        client.post(group, fmt::format("untyped_one {}\n", round), wall_ns);
        break;
      case 2:
        client.fail(group, wall_ns);
        break;
      default:
        client.put(group, values, wall_ns);
        client.erase(group);
        break;
    }
    client.writer().quiescent();
    for (; counted < list.records.size(); ++counted) bytes += list.records[counted].size();
  }
  client.writer().set_journal(nullptr);
  return std::move(list.records);
}

std::string mark_record(const DurableMark& mark) {
  std::string record;
  append_mark(record);
  set_mark(record, mark);
  return record;
}

SegmentBytes make_segment(const FileHeader& header, const std::vector<std::string>& records) {
  SegmentBytes segment;
  append_header(segment.bytes, header);
  for (const std::string& record : records) {
    segment.offsets.push_back(segment.bytes.size());
    std::string sealed = record;
    seal_records(sealed, segment.bytes.size(), header.seed);
    segment.bytes += sealed;
  }
  segment.offsets.push_back(segment.bytes.size());
  return segment;
}

std::string describe(const RecordView& record) {
  if (record.kind == RecordKind::kMark) {
    return fmt::format("{} mark {} {} {}", record.offset, record.mark.bytes, record.mark.previous_sequence,
                       record.mark.previous_bytes);
  }
  std::string line = fmt::format("{} {} {} {{{}}} {} {}", record.offset, static_cast<int>(record.kind), record.stamp,
                                 record.label_text, record.push_time_ns, record.push_failure_time_ns);
  if (record.kind == RecordKind::kPattern) return fmt::format("{} pattern {}", record.offset, record.pattern);
  std::vector<StoredFamily> families;
  std::string text;
  if (!record.read_families(families, text)) return line + " families that cannot be read";
  for (const StoredFamily& family : families) {
    line += fmt::format(" [{} {} {} {} {} {} {}]", family.name, family.help, family.has_help,
                        static_cast<int>(family.type), family.push_time_ns, family.text, family.record);
  }
  return line;
}

std::vector<std::string> read_all(std::string_view bytes, uint64_t* skipped) {
  std::vector<std::string> lines;
  auto reader = RecordReader::open(bytes);
  if (!reader) return lines;
  RecordView record;
  for (;;) {
    switch (reader->next(record)) {
      case RecordReader::Next::kRecord:
        lines.push_back(describe(record));
        break;
      case RecordReader::Next::kEnd:
        return lines;
      case RecordReader::Next::kBad:
        if (skipped != nullptr) ++*skipped;
        if (!reader->skip()) return lines;
        break;
    }
  }
}

}  // namespace sluice::wal::testing
