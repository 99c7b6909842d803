// Windows and samples; comments are in text_fast_comment.cc.
#include "parser/text_fast.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>

#include "parser/names.h"
#include "parser/text_fast_number.h"
#include "parser/text_reserve.h"

namespace sluice::parser {
namespace {

using model::MetricType;

// One loop in registers from line to line: called from one place each.
#define SLUICE_HOT [[gnu::always_inline]] inline

// A window costs about 8 us at 1 GB/s: a sixth of a slice, and its index stays in the first-level cache.
constexpr uint32_t kWindowBytes = 8192;
// Positions are 16-bit and the last block may be padded. A line that does not fit this is the exact parser's.
constexpr uint32_t kWindowBytesLongest = simd::kWindowBytesMax - 2 * simd::kBlockBytes;
// Readable bytes behind every window: enough to fill its last block, and for kNameReadAhead.
constexpr uint32_t kPadding = simd::kBlockBytes;
static_assert(kPadding >= kNameReadAhead);

// The bytes of unquoted metric names.
constexpr std::array<bool, 256> make_name_bytes() {
  std::array<bool, 256> table{};
  for (int byte = 0; byte < 128; ++byte) {
    table[static_cast<size_t>(byte)] = byte == ':' || is_name_continuation(static_cast<char>(byte));
  }
  return table;
}
constexpr std::array<bool, 256> kNameBytes = make_name_bytes();

constexpr bool is_blank(char c) noexcept { return c == ' ' || c == '\t'; }

// The label that says which point of a summary or histogram a line is; kNone for the types of single values.
constexpr BoundLabel bound_label(MetricType type) noexcept {
  switch (type) {
    case MetricType::kSummary:
      return BoundLabel::kQuantile;
    case MetricType::kHistogram:
    case MetricType::kGaugeHistogram:
      return BoundLabel::kLe;
    default:
      return BoundLabel::kNone;
  }
}

uint16_t two(const char (&text)[3]) noexcept { return load_u16(text); }

}  // namespace

void FastTextParser::start(std::string_view body, model::Families& out) {
  body_ = body;
  at_ = 0;
  out_ = &out;
  out.clear();
  reserve_for(body.size(), out);
  window_bytes_ = kWindowBytes;
  names_.start(body.size(), out);
  name_ = 0;
  label_names_.clear();
  series_.start(out);
}

FastTextParser::Step FastTextParser::step(Deadline deadline) {
  while (at_ != body_.size()) {
    if (!parse_window()) return Step::kDeclined;
    if (deadline.passed() && at_ != body_.size()) return Step::kMore;
  }
  return Step::kDone;
}

bool FastTextParser::parse_window() {
  const size_t remaining = body_.size() - at_;
  const char* window = body_.data() + at_;
  const bool last = remaining < window_bytes_ + kPadding;
  const auto bytes = static_cast<uint32_t>(last ? remaining : window_bytes_);
  if (last) {
    // `bytes` may exceed the window by almost kPadding.
    scratch_.resize(kWindowBytesLongest + 2 * kPadding);
    std::memcpy(scratch_.data(), window, bytes);
    std::memset(scratch_.data() + bytes, 0, kPadding);
    window = scratch_.data();
  }
  const uint32_t blocks = (bytes + simd::kBlockBytes - 1) / simd::kBlockBytes;
  if (index_.size() < blocks * simd::kBlockBytes + simd::kIndexSlack) {
    index_.resize(blocks * simd::kBlockBytes + simd::kIndexSlack);
  }
  const simd::IndexSummary found = kernel_->index(window, blocks, index_.data());

  uint32_t entries = found.entries;
  while (entries != 0 && window[index_[entries - 1]] != '\n') --entries;
  if (entries == 0) {
    // Not one complete line. At the end of the body that is an error or blanks, elsewhere a long line.
    if (last || window_bytes_ == kWindowBytesLongest) return false;
    window_bytes_ = std::min(window_bytes_ * 2, kWindowBytesLongest);
    return true;
  }
  const char* const lines_end = window + index_[entries - 1] + 1;
  const auto consumed = static_cast<size_t>(lines_end - window);
  check_values_ = found.high_bit && !is_valid_utf8({window, consumed});
  const Cursor cursor{window, index_.data(), window, window + bytes, (body_.data() + at_) - window};
  if (!parse_lines(cursor, lines_end)) return false;
  at_ += consumed;
  window_bytes_ = kWindowBytes;
  return true;
}

MetricName* FastTextParser::parse_name(Cursor& cursor) {
  if (names_.size() != 0) [[likely]] {
    MetricName* name = &names_[name_];
    if (!name->known.starts(cursor.at, cursor.end)) {
      if (name->successor == name_) return learn_name(cursor);
      name_ = name->successor;
      name = &names_[name_];
      if (!name->known.starts(cursor.at, cursor.end)) return learn_name(cursor);
    }
    const char* const behind = cursor.at + name->known.length;
    if (*behind == '{' || is_blank(*behind)) [[likely]] {
      cursor.at = behind;
      return name;
    }
  }
  return learn_name(cursor);
}

MetricName* FastTextParser::learn_name(Cursor& cursor) {
  const char* at = cursor.at;
  if (!is_name_start(*at) && *at != ':') return nullptr;
  // Ends at the latest at the line's newline.
  while (kNameBytes[static_cast<uint8_t>(*at)]) ++at;
  const uint32_t previous = name_;
  name_ = names_.find_or_add(cursor.view(cursor.at, at));
  names_[previous].successor = name_;
  cursor.at = at;
  return &names_[name_];
}

SLUICE_HOT bool FastTextParser::parse_labels(Cursor& cursor, BoundLabel bound) {
  const char* at = cursor.at;
  for (uint32_t count = 0;; ++count) {
    while (is_blank(*at)) ++at;
    if (*at == '}') break;
    const char* const quote = cursor.entry(0);
    const LabelNames::Name* name = label_names_.get(count);
    if (quote <= at || load_u16(quote - 1) != two("=\"")) return false;
    if (name == nullptr || at + name->known.length + 1 != quote || !name->known.starts(at, cursor.end)) [[unlikely]] {
      name = label_names_.learn(count, cursor.view(at, quote - 1));
      if (name == nullptr) return false;
    }
    const char* close = cursor.entry(1);
    std::string_view value = cursor.view(quote + 1, close);
    if (*close == '"') [[likely]] {
      cursor.next += 2;
    } else {
      ++cursor.next;
      if (!unescape_value(cursor, value)) return false;
      close = cursor.entry(-1);
    }
    if (check_values_ && !is_valid_utf8(value)) return false;
    if (name->bound != BoundLabel::kNone && name->bound == bound) {
      bound_text_ = value;
    } else {
      out_->labels.push_back({name->known.view(), value});
    }
    at = close + 1;
    if (*at != ',') {
      if (*at != '}') return false;
      break;
    }
    ++at;
  }
  cursor.at = at + 1;
  return true;
}

// `cursor.next` is the first entry behind the opening quote; moves it behind the closing one. Entries are every quote,
// backslash and newline, so what lies between two of them is plain.
bool FastTextParser::unescape_value(Cursor& cursor, std::string_view& value) {
  const char* from = cursor.entry(-1) + 1;
  const char* close = nullptr;
  const uint16_t* entry = cursor.next;
  for (;; ++entry) {
    close = cursor.window + *entry;
    if (*close == '"') break;
    if (*close == '\n') return false;
    // A backslash: the escaped byte, if it is an entry itself, is passed over with it.
    const char escaped = close[1];
    if (escaped == '"' || escaped == '\\') {
      ++entry;
    } else if (escaped != 'n') {
      return false;
    }
  }
  char* const out = out_->arena.allocate(static_cast<size_t>(close - from));
  size_t bytes = 0;
  for (; from != close; ++from) {
    if (*from == '\\') {
      ++from;
      out[bytes++] = *from == 'n' ? '\n' : *from;
    } else {
      out[bytes++] = *from;
    }
  }
  value = {out, bytes};
  cursor.next = entry + 1;
  return true;
}

// The rest of a sample line, from the value on: `value`, and behind a blank perhaps a timestamp. Moves the cursor to
// the next line.
SLUICE_HOT bool FastTextParser::parse_value(Cursor& cursor, Value& out) {
  while (is_blank(*cursor.at)) ++cursor.at;
  const char* const line_end = cursor.entry(0);
  if (*line_end != '\n') return false;
  const char* value_end = line_end;
  if (!parse_short_decimal(cursor.at, line_end, out.number)) {
    value_end = std::find_if(cursor.at, line_end, is_blank);
    if (!parse_number(cursor.at, value_end, out.number)) return false;
    if (value_end != line_end) {
      const char* const timestamp = std::find_if_not(value_end, line_end, is_blank);
      const std::string_view text(timestamp, static_cast<size_t>(line_end - timestamp));
      if (parse_int(text, out.timestamp_ms) != NumberError::kNone) return false;
      out.has_timestamp = true;
    }
  }
  out.text = cursor.view(cursor.at, value_end);
  cursor.at = line_end + 1;
  ++cursor.next;
  return true;
}

SLUICE_HOT bool FastTextParser::parse_sample(Cursor& cursor) {
  const MetricName* const name = parse_name(cursor);
  if (name == nullptr) return false;
  const uint32_t family = name->family;
  const NameRole role = name->role;
  if (!names_.type_known(family)) names_.set_type(family, MetricType::kUntyped);
  const MetricType type = out_->families[family].type;
  const BoundLabel bound = bound_label(type);
  const auto labels_begin = static_cast<uint32_t>(out_->labels.size());
  bound_text_ = {};
  if (*cursor.at == '{') {
    ++cursor.at;
    if (!parse_labels(cursor, bound)) return false;
  } else if (!is_blank(*cursor.at)) {
    return false;
  }
  Value value;
  if (!parse_value(cursor, value)) return false;

  uint32_t index = model::kNone;
  if (bound == BoundLabel::kNone) {
    index = append_metric(*out_, family, labels_begin);
    model::Metric& metric = out_->metrics[index];
    metric.value = value.number;
    metric.value_text = value.text;
  } else {
    index = series_.find_or_add(family, labels_begin);
    const bool stored = type == MetricType::kSummary ? store_summary(index, role, value.number)
                                                     : store_histogram(index, role, value.number);
    if (!stored) return false;
  }
  if (value.has_timestamp) {
    out_->metrics[index].timestamp_ms = value.timestamp_ms;
    out_->metrics[index].fields |= model::kHasTimestamp;
  }
  if (numbers_ != nullptr) [[unlikely]]
    note_number(value.text, index, role, type);
  return true;
}

[[gnu::cold, gnu::noinline]] void FastTextParser::note_number(std::string_view text, uint32_t metric, NameRole role,
                                                              MetricType type) {
  using Meaning = TextNumber::Meaning;
  TextNumber number;
  number.begin = static_cast<uint32_t>(text.data() - body_.data());
  number.end = number.begin + static_cast<uint32_t>(text.size());
  number.at = metric;
  double bound = 0;
  if (bound_label(type) == BoundLabel::kNone) {
    number.meaning = Meaning::kValue;
  } else if (role == NameRole::kSum) {
    number.meaning = Meaning::kSum;
  } else if (role == NameRole::kCount) {
    number.meaning = type == MetricType::kSummary ? Meaning::kSummaryCount : Meaning::kHistogramCount;
  } else if (parse_bound(bound) && !std::isnan(bound)) {
    number.meaning = type == MetricType::kSummary ? Meaning::kQuantile : Meaning::kBucket;
    number.at = static_cast<uint32_t>(out_->points.size()) - 1;
  }
  numbers_->push_back(number);
}

// The bound of the line being read; NaN, as in the reference, when it has none or names NaN.
bool FastTextParser::parse_bound(double& bound) const {
  bound = std::numeric_limits<double>::quiet_NaN();
  if (bound_text_.data() == nullptr) return true;
  return parse_number(bound_text_.data(), bound_text_.data() + bound_text_.size(), bound);
}

bool FastTextParser::store_summary(uint32_t metric, NameRole role, double value) {
  double quantile = 0;
  if (!parse_bound(quantile)) return false;
  if (role == NameRole::kCount) {
    out_->metrics[metric].count = go_uint64(value);
    out_->metrics[metric].fields |= model::kHasCount;
  } else if (role == NameRole::kSum) {
    out_->metrics[metric].sum = value;
    out_->metrics[metric].fields |= model::kHasSum;
  } else if (!std::isnan(quantile)) {
    model::Point point;
    point.bound = quantile;
    point.value = value;
    out_->add_point(metric, point);
  }
  return true;
}

bool FastTextParser::store_histogram(uint32_t metric, NameRole role, double value) {
  double le = 0;
  if (!parse_bound(le)) return false;
  if (role == NameRole::kSum) {
    out_->metrics[metric].sum = value;
    out_->metrics[metric].fields |= model::kHasSum;
    return true;
  }
  if (role != NameRole::kCount && std::isnan(le)) return true;
  uint64_t count = 0;
  if (!whole_count(value, count)) return false;
  if (role == NameRole::kCount) {
    out_->metrics[metric].count = count;
    out_->metrics[metric].fields |= model::kHasCount;
  } else {
    model::Point point;
    point.bound = le;
    point.count = count;
    out_->add_point(metric, point);
  }
  return true;
}

bool FastTextParser::parse_lines(Cursor cursor, const char* lines_end) {
  while (cursor.at != lines_end) {
    const char first = *cursor.at;
    if (first == '\n') {
      ++cursor.at;
      ++cursor.next;
    } else if (first == '#') {
      if (!parse_comment(cursor)) return false;
    } else {
      if (!parse_sample(cursor)) return false;
    }
  }
  return true;
}

}  // namespace sluice::parser
