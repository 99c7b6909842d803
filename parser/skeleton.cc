#include "parser/skeleton.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>
#include <vector>

#include "core/base/check.h"
#include "core/base/go_float.h"
#include "core/base/limits.h"
#include "core/base/protobuf_wire.h"
#include "parser/number.h"
#include "parser/text_fast_name.h"
#include "parser/text_fast_number.h"

namespace sluice::parser {
namespace {

using Meaning = TextNumber::Meaning;

using swar::kOnes;

bool is_blank(char c) noexcept { return c == ' ' || c == '\t'; }

// The first newline of [at, end), or `end`. The lowest bit that is set marks the first zero byte of `word` truly; see
// canonical_escape.cc for the trick.
const char* line_end(const char* at, const char* end) noexcept {
  for (; end - at >= 8; at += 8) {
    const uint64_t word = load_u64(at) ^ kOnes * '\n';
    const uint64_t zeros = (word - kOnes) & ~word & kOnes * 0x80;
    if (zeros != 0) return at + std::countr_zero(zeros) / 8;
  }
  return std::find(at, end, '\n');
}

// The first byte of the eight that is no decimal digit; 8 for none.
unsigned digits_at_front(const char* at) noexcept {
  const uint64_t word = load_u64(at) ^ kOnes * '0';
  const uint64_t others = (((word & kOnes * 0x7f) + kOnes * 0x76) | word) & kOnes * 0x80;
  return static_cast<unsigned>(std::countr_zero(others)) / 8;
}

constexpr ptrdiff_t kFrontBytes = 16;

// canonical_go_float_end() for the forms that most numbers have, in the kFrontBytes at `at`: one to six digits without
// a zero in front, perhaps a point and up to seven more, a newline. nullptr: another form, or none.
const char* front_number_end(const char* at, bool& whole) noexcept {
  const unsigned before = digits_at_front(at);
  if (before - 1 > 5 || *at == '0') return nullptr;
  const char* const point = at + before;
  whole = *point == '\n';
  if (whole) return point;
  if (*point != '.') return nullptr;
  const unsigned behind = digits_at_front(point + 1);
  const char* const stop = point + 1 + behind;
  return behind - 1 < 7 && *stop == '\n' && stop[-1] != '0' ? stop : nullptr;
}

bool have_places_of_their_own(const std::vector<TextNumber>& numbers) {
  std::vector<std::pair<Meaning, uint32_t>> places;
  for (const TextNumber& number : numbers) {
    const bool count = number.meaning == Meaning::kSummaryCount;
    places.emplace_back(count ? Meaning::kHistogramCount : number.meaning, number.at);
  }
  std::ranges::sort(places);
  return std::ranges::adjacent_find(places) == places.end();
}

template <typename Vector>
size_t bytes_of(const Vector& vector) noexcept {
  return vector.capacity() * sizeof(vector[0]);
}

}  // namespace

bool Skeleton::make(std::string_view body, FastTextParser& parser) {
  SLUICE_DCHECK(body_.empty());
  if (body.size() >= limits::kSkeletonBodyBytesMax) return false;
  body_ = body;
  parser.note_numbers(&numbers_);
  parser.start(body_, families_);
  if (parser.step(Deadline::never()) != FastTextParser::Step::kDone || numbers_.empty()) return false;
  may_spell_ = have_places_of_their_own(numbers_);
  spelled_.resize(numbers_.size());
  // What ends before its line does has a timestamp behind it.
  const bool plain = std::ranges::all_of(numbers_, [&](const TextNumber& number) { return body_[number.end] == '\n'; });
  return plain && bytes() <= limits::kSkeletonBytesMax;
}

bool Skeleton::make(std::string_view body, ProtobufParser& parser) {
  SLUICE_DCHECK(body_.empty());
  if (body.size() >= limits::kSkeletonBodyBytesMax) return false;
  body_ = body;
  protobuf_ = true;
  parser.note_numbers(&numbers_);
  parser.start(body_, families_);
  const bool done = parser.step(Deadline::never()) == ProtobufParser::Step::kDone;
  parser.note_numbers(nullptr);
  if (!done || numbers_.empty()) return false;
  constexpr uint16_t kPlain = model::kHasCount | model::kHasSum;
  const bool plain = std::ranges::all_of(families_.metrics, [](const model::Metric& metric) {
    return (metric.fields & static_cast<uint16_t>(~kPlain)) == 0;
  });
  // What is read twice is noted twice.
  uint32_t from = 0;
  for (const TextNumber& number : numbers_) {
    if (number.begin < from || number.end - number.begin > sizeof(uint64_t)) return false;
    from = number.end;
  }
  for (const model::Metric& metric : families_.metrics) {
    messages_.push_back(static_cast<uint32_t>(metric.exact.data() - body_.data()));
  }
  return plain && bytes() <= limits::kSkeletonBytesMax;
}

bool Skeleton::match(std::string_view body) { return protobuf_ ? match_protobuf(body) : match_text(body); }

bool Skeleton::match_protobuf(std::string_view body) {
  if (body.size() != body_.size()) return false;
  const char* const begin = body.data();
  const char* const mine = body_.data();
  size_t from = 0;
  for (const TextNumber& number : numbers_) {
    if (std::memcmp(begin + from, mine + from, number.begin - from) != 0) return false;
    if (!read_protobuf(number, begin + number.begin)) return false;
    from = number.end;
  }
  if (std::memcmp(begin + from, mine + from, body.size() - from) != 0) return false;
  // Each keeps a view of its message, at the same place.
  for (size_t index = 0; index < messages_.size(); ++index) {
    model::Metric& metric = families_.metrics[index];
    metric.exact = {begin + messages_[index], metric.exact.size()};
  }
  matched_ = body;
  return true;
}

bool Skeleton::match_text(std::string_view body) {
  unread_ = true;
  std::string_view* spelled = spelled_.data();
  const char* at = body.data();
  const char* const end = at + body.size();
  const char* const mine = body_.data();
  size_t from = 0;
  for (const TextNumber& number : numbers_) {
    const size_t bytes = number.begin - from;
    if (static_cast<size_t>(end - at) < bytes || std::memcmp(at, mine + from, bytes) != 0) return false;
    at += bytes;
    from = number.end;
    bool whole = false;
    const char* stop = end - at >= kFrontBytes ? front_number_end(at, whole) : nullptr;
    if (stop == nullptr) stop = canonical_go_float_end(at, end, whole);
    if (stop != nullptr && stop != end && *stop == '\n' && may_spell_ && (whole || number.is_double())) {
      *spelled++ = {at, static_cast<size_t>(stop - at)};
    } else {
      *spelled++ = {};
      stop = line_end(at, end);
      if (!read(number, at, stop)) return false;
    }
    at = stop;
  }
  const auto rest = static_cast<size_t>(end - at);
  if (rest != body_.size() - from || std::memcmp(at, mine + from, rest) != 0) return false;
  matched_ = body;
  return true;
}

void Skeleton::read_spelled() {
  unread_ = false;
  for (size_t index = 0; index < spelled_.size(); ++index) {
    const std::string_view text = spelled_[index];
    SLUICE_CHECK(text.empty() || read(numbers_[index], text.data(), text.data() + text.size()));
  }
}

bool Skeleton::write_canonical(const model::GroupKey& key, model::CanonicalPush& out, SkeletonText::Scratch& scratch) {
  if (!text_.fits(key)) {
    if (numbers_.size() > limits::kSkeletonNumbersMax || ++misfits_ < misfits_max_) return false;
    misfits_ = 0;
    misfits_max_ = std::min(2 * misfits_max_, limits::kSkeletonWaitMax);
    const bool made = text_.make(families_, numbers_, key, scratch);
    SLUICE_CHECK(match(matched_));  // the numbers back
    if (!made) return false;
  }
  return text_.write(families_, spelled_, key, out);
}

bool Skeleton::read(const TextNumber& number, const char* at, const char* end) {
  double value = 0;
  if (!parse_short_decimal(at, end, value)) {
    if (std::any_of(at, end, is_blank) || !parse_number(at, end, value)) return false;
  }
  switch (number.meaning) {
    case Meaning::kValue:
      families_.metrics[number.at].value = value;
      families_.metrics[number.at].value_text = {at, static_cast<size_t>(end - at)};
      return true;
    case Meaning::kSum:
      families_.metrics[number.at].sum = value;
      return true;
    case Meaning::kSummaryCount:
      families_.metrics[number.at].count = go_uint64(value);
      return true;
    case Meaning::kHistogramCount:
      return whole_count(value, families_.metrics[number.at].count);
    case Meaning::kQuantile:
      families_.points[number.at].value = value;
      return true;
    case Meaning::kBucket:
      return whole_count(value, families_.points[number.at].count);
    case Meaning::kNothing:
      return true;
  }
  return false;
}

bool Skeleton::read_protobuf(const TextNumber& number, const char* at) {
  model::Families& families = families_;
  if (number.is_double()) {
    const double value = std::bit_cast<double>(read_fixed64(at));
    if (!ProtobufParser::text_says(value)) return false;
    if (number.meaning == Meaning::kQuantile) {
      families.points[number.at].value = value;
    } else if (number.meaning == Meaning::kSum) {
      families.metrics[number.at].sum = value;
    } else {
      families.metrics[number.at].value = value;
      families.metrics[number.at].value_text = {};  // SkeletonText::make() leaves one
    }
    return true;
  }
  const char* const end = at + (number.end - number.begin);
  uint64_t count = 0;
  if (read_varint(at, end, count) != VarintResult::kDone || at != end || !ProtobufParser::text_says(count))
    return false;
  (number.is_of_point() ? families.points[number.at].count : families.metrics[number.at].count) = count;
  return true;
}

size_t Skeleton::bytes() const noexcept {
  return sizeof(*this) + body_.capacity() + bytes_of(numbers_) + bytes_of(messages_) + bytes_of(spelled_) +
         bytes_of(families_.families) + bytes_of(families_.metrics) + bytes_of(families_.labels) +
         bytes_of(families_.points) + families_.arena.capacity() + text_.bytes();
}

}  // namespace sluice::parser
