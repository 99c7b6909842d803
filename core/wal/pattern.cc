#include "core/wal/pattern.h"

#include <optional>
#include <span>

#include "core/base/limits.h"
#include "core/model/push_pattern.h"
#include "core/wal/bytes.h"

namespace sluice::wal {
namespace {

using Run = model::PushPattern::Run;

// Takes the next label of `rest`, `name="value"`, and the comma behind it. nullopt: that is none.
struct SpelledLabel {
  std::string_view name;
  std::string_view value;  // as it is spelled, escapes and all
};
std::optional<SpelledLabel> take_label(std::string_view& rest) {
  const size_t quoted = rest.starts_with('"') ? rest.find('"', 1) + 1 : 0;
  const size_t equals = rest.find("=\"", quoted);
  if (equals == std::string_view::npos) return std::nullopt;
  const size_t begin = equals + 2;
  size_t end = begin;
  while (end < rest.size() && rest[end] != '"') end += rest[end] == '\\' ? 2 : 1;
  if (end >= rest.size()) return std::nullopt;
  const SpelledLabel label{rest.substr(0, equals), rest.substr(begin, end - begin)};
  rest.remove_prefix(end + 1);
  if (rest.starts_with(',')) rest.remove_prefix(1);
  return label;
}

// The values of `names`, which are in the order of `label_text`; false when one is not there.
bool find_values(std::string_view label_text, std::span<const std::string_view> names,
                 std::vector<std::string_view>& values) {
  values.clear();
  while (values.size() < names.size()) {
    const auto label = take_label(label_text);
    if (!label) return false;
    if (label->name == names[values.size()]) values.push_back(label->value);
  }
  return true;
}

// Writes one line into `text`; false when the pattern has not so much, or the text gets longer than any is written.
class LineFiller {
 public:
  LineFiller(std::string_view runs, std::string_view literals, std::string_view numbers,
             std::span<const std::string_view> values)
      : runs_{runs}, literals_(literals), numbers_(numbers), values_(values) {}

  [[nodiscard]] bool fill(std::string& text) {
    for (;;) {
      const Run run = runs_.take<Run>();
      if (!runs_.ok || run.bytes > literals_.size()) return false;
      if (text.size() + run.bytes > limits::kSkeletonCanonicalBytesMax) return false;
      text += literals_.substr(0, run.bytes);
      literals_.remove_prefix(run.bytes);
      if (run.label == model::PushPattern::kNumber) break;
      if (run.label >= values_.size()) return false;
      text += values_[run.label];
    }
    const size_t end = numbers_.find('\n');
    if (end == std::string_view::npos) return false;
    text += numbers_.substr(0, end + 1);
    numbers_.remove_prefix(end + 1);
    return true;
  }
  [[nodiscard]] bool at_end() const noexcept { return runs_.rest.empty() && literals_.empty() && numbers_.empty(); }

 private:
  Cursor runs_;
  std::string_view literals_;
  std::string_view numbers_;
  std::span<const std::string_view> values_;
};

}  // namespace

void append_pattern_payload(std::string& out, const model::CanonicalPush& push) {
  const model::PushPattern& pattern = *push.pattern;
  put(out, static_cast<uint32_t>(pattern.names.size()));
  for (const std::string& name : pattern.names) put_string(out, name);
  put(out, static_cast<uint32_t>(push.families.size()));
  for (size_t index = 0; index < push.families.size(); ++index) {
    const model::CanonicalFamily& family = push.families[index];
    put_string(out, family.name);
    put_string(out, family.help);
    put(out, static_cast<uint8_t>(family.has_help));
    put(out, static_cast<uint8_t>(family.type));
    put(out, pattern.lines[index]);
  }
  const std::span<const Run> runs = pattern.runs;
  put_string(out, {reinterpret_cast<const char*>(runs.data()), runs.size_bytes()});
  put_string(out, std::string_view(pattern.literals).substr(0, pattern.literal_bytes));
}

bool fill_pattern(std::string_view payload, std::string_view label_text, std::string_view numbers, std::string& text,
                  std::vector<StoredFamily>& out) {
  text.clear();
  out.clear();
  Cursor cursor{payload};
  std::vector<std::string_view> names;
  for (auto left = cursor.take<uint32_t>(); cursor.ok && left != 0; --left) names.push_back(cursor.take_string());
  std::vector<uint32_t> lines;
  for (auto left = cursor.take<uint32_t>(); cursor.ok && left != 0; --left) {
    StoredFamily& family = out.emplace_back();
    family.name = cursor.take_string();
    family.help = cursor.take_string();
    family.has_help = cursor.take<uint8_t>() != 0;
    const auto type = cursor.take<uint8_t>();
    if (type > static_cast<uint8_t>(model::kMetricTypeLast)) return false;
    family.type = static_cast<model::MetricType>(type);
    lines.push_back(cursor.take<uint32_t>());
  }
  const std::string_view runs = cursor.take_string();
  const std::string_view literals = cursor.take_string();
  std::vector<std::string_view> values;
  if (!cursor.ok || !cursor.rest.empty() || !find_values(label_text, names, values)) return false;

  LineFiller filler(runs, literals, numbers, values);
  std::vector<size_t> ends;
  for (const uint32_t count : lines) {
    for (uint32_t line = 0; line < count; ++line) {
      if (!filler.fill(text)) return false;
    }
    ends.push_back(text.size());
  }
  if (!filler.at_end()) return false;
  size_t begin = 0;
  for (size_t index = 0; index < out.size(); ++index) {
    out[index].text = std::string_view(text).substr(begin, ends[index] - begin);
    begin = ends[index];
  }
  return true;
}

}  // namespace sluice::wal
