// The exact parser of the text format 0.0.4: the grammar, results, error texts and line numbers of the reference
// (expfmt.TextParser of prometheus/common), scalar. It is the fallback of the fast parser and its oracle.
//
// A resumable machine: every state either reads on (and may stop at any byte) or decides, so that a body of one line of
// 100 MB is cut as well as one of a million lines. The parser keeps its tables from body to body; after they have grown
// it allocates nothing per sample.
//
// Results: families in the order of their first appearance, those that got no sample included (metrics_count 0). Label
// pairs in input order. A summary's or histogram's lines are gathered by family and label set; a histogram with one
// fractional count has all of them as floats (kCountsAreFloat).
//
// Where it differs from the reference: a line `{...}` without a metric name is always "invalid metric name" (the
// reference crashes or reuses the previous line's metric); labels before the name in braces belong to that name's
// family, not to the previous line's; more than limits::kLabelsPerSeriesMax labels are refused; error texts quote at
// most limits::kErrorTokenBytesMax bytes of a token.
//
// One owner, one thread. Views in the result point into the body and into Families::arena.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/clock.h"
#include "core/base/large_memory.h"
#include "core/base/limit_table.h"
#include "core/model/families.h"
#include "parser/index_table.h"
#include "parser/names.h"

namespace sluice::parser {

struct TextError {
  std::string text;                    // "text format parsing error in line N: ..."
  uint64_t line = 0;                   // from 1
  size_t offset = 0;                   // of the byte at which the error was noticed
  std::optional<limits::Limit> limit;  // what the body is beyond, where that is the error
};

class ExactTextParser {
 public:
  enum class Step : uint8_t { kMore, kDone, kError };

  // Begins a body. Clears `out`. Body and `out` must stay until the last step.
  void start(std::string_view body, NameScheme scheme, model::Families& out);

  // Goes on until the end, an error or the deadline, which is looked at every KB or so; at least that much is done.
  [[nodiscard]] Step step(Deadline deadline);

  // After kError.
  [[nodiscard]] const TextError& error() const noexcept { return error_; }

 private:
  enum class State : uint8_t {
    kLineStart,
    kCommentStart,
    kCommentKeyword,
    kCommentRest,
    kCommentNameStart,
    kCommentName,
    kCommentTextStart,
    kHelpText,
    kTypeText,
    kMetricName,
    kAfterMetricName,
    kLabelStart,
    kLabelName,
    kAfterLabelName,
    kLabelValueStart,
    kLabelValue,
    kAfterLabelValue,
    kBeforeValue,
    kValue,
    kTimestampStart,
    kTimestamp,
    kAfterTimestamp,
    kNormalize,
  };
  // What a state or a scan ended with.
  enum class Go : uint8_t { kOn, kLimit, kFail, kEnd };
  // Which line of a summary or histogram the sample name says it is.
  enum class Role : uint8_t { kPlain, kCount, kSum };
  enum class Token : uint8_t { kMetricName, kLabelName };

  [[nodiscard]] Go run();
  [[nodiscard]] Go run_comment();
  [[nodiscard]] Go run_labels();
  [[nodiscard]] Go line_start();
  [[nodiscard]] Go comment_keyword();
  [[nodiscard]] Go comment_name();
  [[nodiscard]] Go comment_text_start();
  [[nodiscard]] Go help_text();
  [[nodiscard]] Go type_text();
  [[nodiscard]] Go metric_name();
  [[nodiscard]] Go label_start();
  [[nodiscard]] Go label_name();
  [[nodiscard]] Go after_label_name();
  [[nodiscard]] Go name_in_braces(char next);
  [[nodiscard]] Go label_value();
  [[nodiscard]] Go after_label_value();
  [[nodiscard]] Go value();
  [[nodiscard]] Go timestamp();
  [[nodiscard]] Go after_timestamp();
  [[nodiscard]] Go normalize();

  // Scans: kOn with the byte behind the token at at_, kLimit, or kFail.
  [[nodiscard]] Go skip_blanks();
  [[nodiscard]] Go scan_word();
  [[nodiscard]] Go scan_name(Token kind);
  [[nodiscard]] Go scan_label_value();
  [[nodiscard]] Go scan_text(bool escapes);

  void begin_token(State next);
  void next_line();
  [[nodiscard]] std::string_view raw_token() const noexcept;
  [[nodiscard]] std::string token_as_text() const;
  [[nodiscard]] std::string_view stored_name();
  [[nodiscard]] Go undo_escapes();
  [[nodiscard]] Go check_utf8();
  [[nodiscard]] bool select_family(std::string_view name);
  [[nodiscard]] bool find_gathered(std::string_view name);
  [[nodiscard]] uint32_t find_family(std::string_view name, uint64_t hash) const;
  void start_sample();
  [[nodiscard]] bool accept_label(std::string_view name);
  [[nodiscard]] bool is_duplicate(std::string_view name);
  [[nodiscard]] bool adopt_label_bound();
  [[nodiscard]] bool accept_bound(std::string_view text);
  void resolve_metric();
  [[nodiscard]] uint64_t hash_labels() const;
  [[nodiscard]] bool same_labels(const model::Metric& metric);
  [[nodiscard]] bool store_value(double value, std::string_view text);
  [[nodiscard]] bool store_summary_value(double value);
  [[nodiscard]] bool store_histogram_value(double value);
  [[nodiscard]] std::string_view bound_label() const noexcept;
  [[nodiscard]] model::Family& family() noexcept { return out_->families[family_]; }
  [[nodiscard]] std::string family_quoted() const;
  Go fail(std::string message, std::optional<limits::Limit> limit = std::nullopt);

  // The body.
  const char* begin_ = nullptr;
  const char* at_ = nullptr;     // the byte looked at
  const char* limit_ = nullptr;  // where this look at the clock ends
  const char* end_ = nullptr;
  model::Families* out_ = nullptr;
  NameScheme scheme_ = NameScheme::kLegacy;
  State state_ = State::kLineStart;
  uint64_t line_ = 1;
  TextError error_;

  // The token being read, from token_ to at_.
  const char* token_ = nullptr;
  uint64_t high_bits_ = 0;  // its bytes or'ed together: bit 7 of any byte says that it is not ASCII
  bool in_quotes_ = false;
  bool after_backslash_ = false;
  bool closed_ = false;  // its closing quote has been read
  bool has_quotes_ = false;
  bool has_escapes_ = false;
  bool rewriting_ = false;  // undo_escapes() has begun
  size_t rewritten_ = 0;    // bytes of the token that undo_escapes() has read
  char* rewritten_to_ = nullptr;
  size_t checked_ = 0;     // bytes of text_ that check_utf8() has passed
  std::string_view text_;  // what the token stands for, once undo_escapes() is through

  // The line being read. family_ stays from line to line, as error texts show it.
  uint32_t family_ = model::kNone;
  uint32_t metric_ = model::kNone;
  uint32_t labels_begin_ = 0;  // its labels are the tail of Families::labels
  uint32_t line_labels_ = 0;   // labels of this line, `le` and `quantile` included
  std::string_view name_;
  std::string_view label_name_;
  std::string_view label_value_;
  double bound_ = 0;  // NaN: the line has none
  bool in_braces_ = false;
  bool name_seen_ = false;
  bool is_help_ = false;
  bool label_is_bound_ = false;
  Role role_ = Role::kPlain;

  // The body so far.
  LargeVector<uint8_t> type_known_;  // for each family
  IndexTable families_by_name_;
  IndexTable metrics_by_labels_;  // summaries and histograms
  IndexTable label_names_;        // of a line with many labels
  std::string_view last_name_;    // last_family_ and last_role_ are what select_family found for it
  uint32_t last_family_ = model::kNone;
  Role last_role_ = Role::kPlain;
  bool any_float_counts_ = false;
  uint32_t normalized_ = 0;                   // metrics that normalize() has seen
  uint32_t normalized_point_ = model::kNone;  // next point of the metric behind them
  bool in_points_ = false;                    // normalized_point_ is in use
  std::vector<uint32_t> order_a_, order_b_;
};

}  // namespace sluice::parser
