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

// A bit for each thing that a number of a metric or a point may be.
unsigned place_of(Meaning meaning) noexcept {
  switch (meaning) {
    case Meaning::kValue:
      return 1;
    case Meaning::kSum:
      return 2;
    case Meaning::kSummaryCount:
    case Meaning::kHistogramCount:
      return 4;
    case Meaning::kQuantile:
    case Meaning::kBucket:
      return 1;
    case Meaning::kNothing:
      return 8;
  }
  return 0;
}

bool have_places_of_their_own(const std::vector<TextNumber>& numbers, const model::Families& families) {
  std::vector<uint8_t> of_metric(families.metrics.size());
  std::vector<uint8_t> of_point(families.points.size());
  for (const TextNumber& number : numbers) {
    const unsigned place = place_of(number.meaning);
    uint8_t& taken = number.is_of_point() ? of_point[number.at] : of_metric[number.at];
    if ((taken & place) != 0) return false;
    taken = static_cast<uint8_t>(taken | place);
  }
  return true;
}

// What is done between two looks at the clock: 20 ns for each number, 10 us of copying.
constexpr size_t kNumbersPerCheck = 128;
constexpr size_t kCopiedBytes = 64 * 1024;

template <typename Vector>
size_t used_bytes_of(const Vector& vector) noexcept {
  return vector.size() * sizeof(vector[0]);
}
template <typename Vector>
size_t bytes_of(const Vector& vector) noexcept {
  return vector.capacity() * sizeof(vector[0]);
}

}  // namespace

bool Skeleton::make(std::string_view body, FastTextParser& parser) {
  SLUICE_DCHECK(body_.empty());
  if (body.size() >= bounds_->body_bytes) return false;
  body_.assign(body.begin(), body.end());
  parser.note_numbers(&numbers_);
  parser.start(copied_body(), families_);
  if (parser.step(Deadline::never()) != FastTextParser::Step::kDone) return false;
  find_places();
  return judge_text();
}

void Skeleton::find_places() {
  may_spell_ = have_places_of_their_own(numbers_, families_);
  spelled_.resize(numbers_.size());
}

bool Skeleton::judge_text() {
  if (numbers_.empty()) return false;
  size_t from = 0;
  for (const TextNumber& number : numbers_) {
    if (number.begin - from > bounds_->gap_bytes) return false;
    from = number.end;
  }
  if (body_.size() - from > bounds_->gap_bytes) return false;
  // What ends before its line does has a timestamp behind it.
  const bool plain = std::ranges::all_of(numbers_, [&](const TextNumber& number) { return body_[number.end] == '\n'; });
  return plain && bytes() <= bounds_->bytes;
}

SkeletonStep Skeleton::step_make(const model::GroupKey& key, Workshop& workshop, Deadline deadline) {
  for (;;) {
    switch (making_) {
      case Making::kCopy:
        if (source_.size() >= bounds_->body_bytes) return SkeletonStep::kNo;
        copy_source();
        if (body_.size() != source_.size()) break;
        workshop.parser.note_numbers(&numbers_);
        workshop.parser.start(copied_body(), families_);
        making_ = Making::kParse;
        break;
      case Making::kParse: {
        const FastTextParser::Step step = workshop.parser.step(deadline);
        if (step == FastTextParser::Step::kDeclined || numbers_.size() > bounds_->numbers) return SkeletonStep::kNo;
        if (step == FastTextParser::Step::kDone) making_ = Making::kPlaces;
        break;
      }
      case Making::kPlaces:
        find_places();
        making_ = Making::kJudge;
        break;
      case Making::kJudge:
        if (!judge_text()) return SkeletonStep::kNo;
        text_.begin_make();
        making_ = Making::kText;
        break;
      case Making::kText:
        if (text_.step_make(families_, numbers_, key, workshop.text, deadline) == SkeletonStep::kMore) break;
        read_ = spelled_.size();                           // a match comes first
        if (bytes() > bounds_->bytes) text_.begin_make();  // without a template it is of use still
        return bytes() <= bounds_->bytes ? SkeletonStep::kYes : SkeletonStep::kNo;
    }
    if (deadline.passed()) return SkeletonStep::kMore;
  }
}

void Skeleton::copy_source() {
  if (body_.empty()) body_.reserve(source_.size());
  const std::string_view piece = source_.substr(body_.size(), kCopiedBytes);
  body_.insert(body_.end(), piece.begin(), piece.end());
}

bool Skeleton::make(std::string_view body, ProtobufParser& parser) {
  SLUICE_DCHECK(body_.empty());
  if (body.size() >= bounds_->body_bytes) return false;
  body_.assign(body.begin(), body.end());
  protobuf_ = true;
  parser.note_numbers(&numbers_);
  parser.start(copied_body(), families_);
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
  return plain && bytes() <= bounds_->bytes;
}

bool Skeleton::match(std::string_view body) {
  if (protobuf_) return match_protobuf(body);
  begin_match(body);
  return step_match(Deadline::never()) == SkeletonStep::kYes;
}

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

void Skeleton::begin_match(std::string_view body) noexcept {
  matched_ = body;
  read_ = 0;
  compared_ = 0;
  compared_at_ = body.data();
  compared_mine_ = 0;
}

SkeletonStep Skeleton::step_match(Deadline deadline) {
  std::string_view* spelled = spelled_.data() + compared_;
  const char* at = compared_at_;
  const char* const end = matched_.data() + matched_.size();
  const char* const mine = body_.data();
  size_t from = compared_mine_;
  const size_t count = numbers_.size();
  const auto most_of = [&](const char* first) {
    return first + std::min(static_cast<size_t>(end - first), bounds_->number_bytes);
  };
  for (;;) {
    const size_t stop = std::min(count, compared_ + kNumbersPerCheck);
    for (const TextNumber *number = numbers_.data() + compared_, *last = numbers_.data() + stop; number != last;
         ++number) {
      const size_t bytes = number->begin - from;
      if (static_cast<size_t>(end - at) < bytes || std::memcmp(at, mine + from, bytes) != 0) return SkeletonStep::kNo;
      at += bytes;
      from = number->end;
      bool whole = false;
      const char* stop_at = end - at >= kFrontBytes ? front_number_end(at, whole) : nullptr;
      if (stop_at == nullptr) stop_at = canonical_go_float_end(at, most_of(at), whole);
      if (stop_at != nullptr && stop_at != end && *stop_at == '\n' && may_spell_ && (whole || number->is_double())) {
        *spelled++ = {at, static_cast<size_t>(stop_at - at)};
      } else {
        *spelled++ = {};
        stop_at = line_end(at, most_of(at));
        if (stop_at != end && *stop_at != '\n') return SkeletonStep::kNo;
        if (!read(*number, at, stop_at)) return SkeletonStep::kNo;
      }
      at = stop_at;
    }
    compared_ = stop;
    if (stop == count) break;
    if (!deadline.passed()) continue;
    compared_at_ = at;
    compared_mine_ = from;
    return SkeletonStep::kMore;
  }
  const auto rest = static_cast<size_t>(end - at);
  if (rest != body_.size() - from || std::memcmp(at, mine + from, rest) != 0) return SkeletonStep::kNo;
  return SkeletonStep::kYes;
}

bool Skeleton::step_read(Deadline deadline) {
  while (read_ < spelled_.size()) {
    const size_t stop = std::min(spelled_.size(), read_ + kNumbersPerCheck);
    for (; read_ != stop; ++read_) {
      const std::string_view text = spelled_[read_];
      SLUICE_CHECK(text.empty() || read(numbers_[read_], text.data(), text.data() + text.size()));
    }
    if (read_ != spelled_.size() && deadline.passed()) return false;
  }
  return true;
}

bool Skeleton::write_canonical(const model::GroupKey& key, model::CanonicalPush& out, SkeletonText::Scratch& scratch) {
  if (!text_.fits(key)) {
    if (numbers_.size() > bounds_->numbers || ++misfits_ < misfits_max_) return false;
    misfits_ = 0;
    misfits_max_ = std::min(2 * misfits_max_, limits::kSkeletonWaitMax);
    const bool made = text_.make(families_, numbers_, key, scratch);
    SLUICE_CHECK(match(matched_));  // the numbers back
    if (!made) return false;
  }
  return text_.write(families_, spelled_, key, out);
}

bool Skeleton::begin_write(const model::GroupKey& key, model::CanonicalPush& out, uint64_t expanded_max) {
  if (!text_.is_made()) return false;
  misfits_ = text_.fits(key) ? 0 : misfits_ + 1;
  if (misfits_ != 0) return false;
  // The canonicaliser counts for each family and each line, of which a metric has three more than points, what it says
  // and less than so much beside it, and the grouping labels.
  constexpr uint64_t kLineExtra = 128;
  constexpr uint64_t kLinesOfNumber = 4;
  const uint64_t most = 12 * body_.size() + kLinesOfNumber * numbers_.size() * (key.bytes().size() + kLineExtra);
  return most <= expanded_max && text_.begin_write(key, out);
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
  // The families of a large body have room that is never touched.
  return sizeof(*this) + used_bytes_of(body_) + bytes_of(numbers_) + bytes_of(messages_) + bytes_of(spelled_) +
         used_bytes_of(families_.families) + used_bytes_of(families_.metrics) + used_bytes_of(families_.labels) +
         used_bytes_of(families_.points) + families_.arena.capacity() + text_.bytes();
}

}  // namespace sluice::parser
