#include "parser/text_exact.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "core/base/check.h"
#include "core/base/limits.h"
#include "parser/number.h"
#include "parser/quote.h"
#include "parser/text_reserve.h"

namespace sluice::parser {
namespace {

// Bytes between two looks at the clock: about 10 us of work.
constexpr ptrdiff_t kWindowBytes = 1024;
// Metrics between two looks at the clock while counts are made floats.
constexpr uint32_t kWindowMetrics = 256;

constexpr bool is_blank(char c) noexcept { return c == ' ' || c == '\t'; }

// The type that a TYPE line's text names, compared as the reference does: in upper case, where Go's mapping also takes
// U+0131 (dotless i) and U+017F (long s) to I and S.
bool type_from_text(std::string_view text, model::MetricType& out) {
  std::string upper;
  if (text.size() > 64) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text.substr(i).starts_with("\u0131") || text.substr(i).starts_with("\u017f")) {
      upper.push_back(text[i] == '\xc4' ? 'I' : 'S');
      ++i;
    } else {
      upper.push_back(text[i] >= 'a' && text[i] <= 'z' ? static_cast<char>(text[i] - 32) : text[i]);
    }
  }
  static constexpr std::pair<std::string_view, model::MetricType> kTypes[] = {
      {"COUNTER", model::MetricType::kCounter},
      {"GAUGE", model::MetricType::kGauge},
      {"SUMMARY", model::MetricType::kSummary},
      {"UNTYPED", model::MetricType::kUntyped},
      {"HISTOGRAM", model::MetricType::kHistogram},
      {"GAUGE_HISTOGRAM", model::MetricType::kGaugeHistogram},
      {"GAUGEHISTOGRAM", model::MetricType::kGaugeHistogram},
  };
  for (const auto& [name, type] : kTypes) {
    if (upper == name) {
      out = type;
      return true;
    }
  }
  return false;
}

}  // namespace

void ExactTextParser::start(std::string_view body, NameScheme scheme, model::Families& out) {
  out.clear();
  begin_ = at_ = limit_ = token_ = body.data();
  end_ = begin_ + body.size();
  out_ = &out;
  scheme_ = scheme;
  state_ = State::kLineStart;
  line_ = 1;
  error_ = {};
  family_ = metric_ = last_family_ = model::kNone;
  labels_begin_ = line_labels_ = 0;
  in_braces_ = name_seen_ = false;
  role_ = last_role_ = Role::kPlain;
  last_name_ = {};
  type_known_.clear();
  if (body.size() >= kLargeBodyBytes) {
    reserve_room(type_known_, body.size() / kShortestLine + 1, body.size() / kBytesPerFamily);
  }
  families_by_name_.clear();
  metrics_by_labels_.clear();
  any_float_counts_ = in_points_ = false;
  normalized_ = 0;
  reserve_for(body.size(), out);
}

ExactTextParser::Step ExactTextParser::step(Deadline deadline) {
  SLUICE_DCHECK(out_ != nullptr);
  for (;;) {
    limit_ = at_ + std::min(kWindowBytes, end_ - at_);
    switch (run()) {
      case Go::kEnd:
        return Step::kDone;
      case Go::kFail:
        return Step::kError;
      case Go::kOn:
      case Go::kLimit:
        break;
    }
    if (at_ == end_ && state_ != State::kNormalize) {
      if (state_ != State::kLineStart) {
        fail("unexpected end of input stream");
        return Step::kError;
      }
      state_ = State::kNormalize;
    }
    if (deadline.passed()) return Step::kMore;
  }
}

ExactTextParser::Go ExactTextParser::fail(std::string message, std::optional<limits::Limit> limit) {
  error_.limit = limit;
  error_.line = line_;
  error_.offset = static_cast<size_t>(at_ - begin_);
  error_.text = "text format parsing error in line " + std::to_string(line_) + ": " + std::move(message);
  return Go::kFail;
}

ExactTextParser::Go ExactTextParser::run() {
  Go go = Go::kOn;
  while (go == Go::kOn) {
    switch (state_) {
      case State::kLineStart:
        go = line_start();
        break;
      case State::kMetricName:
        go = metric_name();
        break;
      case State::kAfterMetricName:
        if (go = skip_blanks(); go != Go::kOn) break;
        if (*at_ == '{') {
          ++at_;
          state_ = State::kLabelStart;
        } else {
          resolve_metric();
          begin_token(State::kValue);
        }
        break;
      case State::kLabelStart:
      case State::kLabelName:
      case State::kAfterLabelName:
      case State::kLabelValueStart:
      case State::kLabelValue:
      case State::kAfterLabelValue:
        go = run_labels();
        break;
      case State::kBeforeValue:
        if (go = skip_blanks(); go != Go::kOn) break;
        resolve_metric();
        begin_token(State::kValue);
        break;
      case State::kValue:
        go = value();
        break;
      case State::kTimestampStart:
        if (go = skip_blanks(); go == Go::kOn) begin_token(State::kTimestamp);
        break;
      case State::kTimestamp:
        go = timestamp();
        break;
      case State::kAfterTimestamp:
        go = after_timestamp();
        break;
      case State::kNormalize:
        go = normalize();
        break;
      default:
        go = run_comment();
        break;
    }
  }
  return go;
}

void ExactTextParser::next_line() {
  SLUICE_DCHECK(*at_ == '\n');
  ++at_;
  ++line_;
  state_ = State::kLineStart;
}

ExactTextParser::Go ExactTextParser::line_start() {
  if (const Go go = skip_blanks(); go != Go::kOn) return go;
  in_braces_ = name_seen_ = false;
  line_labels_ = 0;
  bound_ = std::numeric_limits<double>::quiet_NaN();
  labels_begin_ = static_cast<uint32_t>(out_->labels.size());
  switch (*at_) {
    case '\n':
      next_line();
      break;
    case '#':
      ++at_;
      state_ = State::kCommentStart;
      break;
    case '{':
      ++at_;
      in_braces_ = true;
      state_ = State::kLabelStart;
      break;
    default:
      begin_token(State::kMetricName);
      break;
  }
  return Go::kOn;
}

ExactTextParser::Go ExactTextParser::metric_name() {
  if (const Go go = scan_name(Token::kMetricName); go != Go::kOn) return go;
  const std::string_view name = stored_name();
  if (name.empty()) return fail("invalid metric name");
  if (!select_family(name)) return Go::kFail;
  start_sample();
  state_ = State::kAfterMetricName;
  return Go::kOn;
}

ExactTextParser::Go ExactTextParser::value() {
  if (const Go go = scan_word(); go != Go::kOn) return go;
  const std::string_view text = raw_token();
  double number = 0;
  if (text.size() > limits::kNumberBytesMax || parse_float(text, number) != NumberError::kNone) {
    return fail("expected float as value, got " + go_quoted(text.substr(0, limits::kErrorTokenBytesMax)));
  }
  if (!store_value(number, text)) return Go::kFail;
  if (*at_ == '\n') {
    next_line();
  } else {
    ++at_;
    state_ = State::kTimestampStart;
  }
  return Go::kOn;
}

ExactTextParser::Go ExactTextParser::timestamp() {
  if (const Go go = scan_word(); go != Go::kOn) return go;
  const std::string_view text = raw_token();
  int64_t number = 0;
  if (text.size() > limits::kNumberBytesMax || parse_int(text, number) != NumberError::kNone) {
    return fail("expected integer as timestamp, got " + go_quoted(text.substr(0, limits::kErrorTokenBytesMax)));
  }
  model::Metric& metric = out_->metrics[metric_];
  metric.timestamp_ms = number;
  metric.fields |= model::kHasTimestamp;
  begin_token(State::kAfterTimestamp);
  return Go::kOn;
}

ExactTextParser::Go ExactTextParser::after_timestamp() {
  if (const Go go = scan_text(false); go != Go::kOn) return go;
  // Backslashes do not count: the reference takes them for the beginning of an escape and drops them.
  if (raw_token().find_first_not_of('\\') != std::string_view::npos) {
    return fail("spurious string after timestamp: " + go_quoted(token_as_text()));
  }
  next_line();
  return Go::kOn;
}

ExactTextParser::Go ExactTextParser::run_comment() {
  Go go = Go::kOn;
  switch (state_) {
    case State::kCommentStart:
      if (go = skip_blanks(); go != Go::kOn) break;
      if (*at_ == '\n') {
        next_line();
      } else {
        begin_token(State::kCommentKeyword);
      }
      break;
    case State::kCommentKeyword:
      go = comment_keyword();
      break;
    case State::kCommentRest:
      if (go = scan_text(false); go == Go::kOn) next_line();
      break;
    case State::kCommentNameStart:
      if (go = skip_blanks(); go == Go::kOn) begin_token(State::kCommentName);
      break;
    case State::kCommentName:
      go = comment_name();
      break;
    case State::kCommentTextStart:
      go = comment_text_start();
      break;
    case State::kHelpText:
      go = help_text();
      break;
    case State::kTypeText:
      go = type_text();
      break;
    default:
      SLUICE_CHECK(false);
  }
  return go;
}

ExactTextParser::Go ExactTextParser::comment_keyword() {
  if (const Go go = scan_word(); go != Go::kOn) return go;
  const std::string_view keyword = raw_token();
  is_help_ = keyword == "HELP";
  if (*at_ == '\n') {
    next_line();
  } else if (is_help_ || keyword == "TYPE") {
    ++at_;
    state_ = State::kCommentNameStart;
  } else {
    begin_token(State::kCommentRest);
  }
  return Go::kOn;
}

ExactTextParser::Go ExactTextParser::comment_name() {
  if (const Go go = scan_name(Token::kMetricName); go != Go::kOn) return go;
  if (*at_ == '\n') {
    next_line();
    return Go::kOn;
  }
  if (!is_blank(*at_)) return fail("invalid metric name in comment");
  if (!select_family(stored_name())) return Go::kFail;
  ++at_;
  state_ = State::kCommentTextStart;
  return Go::kOn;
}

ExactTextParser::Go ExactTextParser::comment_text_start() {
  if (const Go go = skip_blanks(); go != Go::kOn) return go;
  if (*at_ == '\n') {
    next_line();
    return Go::kOn;
  }
  if (is_help_) {
    if (family().has_help) return fail("second HELP line for metric name " + family_quoted());
    begin_token(State::kHelpText);
  } else {
    if (type_known_[family_] != 0) {
      return fail("second TYPE line for metric name " + family_quoted() + ", or TYPE reported after samples");
    }
    begin_token(State::kTypeText);
  }
  return Go::kOn;
}

ExactTextParser::Go ExactTextParser::help_text() {
  if (const Go go = scan_text(true); go != Go::kOn) return go;
  if (const Go go = undo_escapes(); go != Go::kOn) return go;
  family().help = text_;
  family().has_help = true;
  next_line();
  return Go::kOn;
}

ExactTextParser::Go ExactTextParser::type_text() {
  if (const Go go = scan_text(false); go != Go::kOn) return go;
  const std::string text = token_as_text();
  if (!type_from_text(text, family().type)) return fail("unknown metric type " + go_quoted(text));
  type_known_[family_] = 1;
  last_name_ = {};
  next_line();
  return Go::kOn;
}

// Makes the counts of every histogram either all integers or all floats.
ExactTextParser::Go ExactTextParser::normalize() {
  if (!any_float_counts_) return Go::kEnd;
  const auto stop = static_cast<uint32_t>(std::min<size_t>(out_->metrics.size(), size_t{normalized_} + kWindowMetrics));
  for (; normalized_ < stop; ++normalized_) {
    model::Metric& metric = out_->metrics[normalized_];
    if ((metric.fields & model::kCountsAreFloat) == 0) continue;
    if (!in_points_ && metric.count_float == 0) {
      metric.count_float = static_cast<double>(metric.count);
      metric.count = 0;
      metric.fields &= static_cast<uint16_t>(~model::kHasCount);
    }
    if (!in_points_) normalized_point_ = metric.points_first;
    in_points_ = true;
    uint32_t& at = normalized_point_;
    for (uint32_t done = 0; at != model::kNone; at = out_->points[at].next) {
      if (++done > kWindowMetrics) return Go::kLimit;
      model::Point& point = out_->points[at];
      if (point.value == 0) point.value = static_cast<double>(point.count);
      point.count = 0;
    }
    in_points_ = false;
  }
  return normalized_ == out_->metrics.size() ? Go::kEnd : Go::kLimit;
}

}  // namespace sluice::parser
