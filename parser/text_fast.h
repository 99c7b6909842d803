// The fast parser of the text format: bodies as client libraries write them.
//
// Stage 1 (parser/simd) indexes a window of the body; stage 2, here, walks that index line by line and fills
// model::Families exactly as the exact parser (text_exact.h) would. It accepts a subset of the format and never
// guesses: at the first line outside of the subset it declines, the families are then worthless, and the caller parses
// the body again with the exact parser. Outside are all errors, and what is valid but rare: names in quotes, blanks in
// unusual places, types in upper case, float counts of histograms, lines over 64 KiB, lines with more than 64 labels, a
// last line of blanks only. What is accepted does not depend on the name scheme.
//
// A window begins at a line and ends with the last complete line in it, so no state is carried between windows but the
// tables. Nothing behind the body's end is read: the last window is copied to padded scratch, and the views in the
// result point into the body all the same.
//
// One owner, one thread, reused from body to body without allocating once its tables have grown.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "core/base/clock.h"
#include "core/model/families.h"
#include "parser/simd/kernel.h"
#include "parser/text_fast_labels.h"
#include "parser/text_fast_names.h"
#include "parser/text_fast_series.h"
#include "parser/text_number.h"

namespace sluice::parser {

class FastTextParser {
 public:
  enum class Step : uint8_t { kMore, kDone, kDeclined };

  explicit FastTextParser(const simd::Kernel& kernel) noexcept : kernel_(&kernel) {}
  FastTextParser(const FastTextParser&) = delete;
  FastTextParser& operator=(const FastTextParser&) = delete;

  // Begins a body and clears `out`; both must stay until the last step, and the body as long as `out` is used.
  void start(std::string_view body, model::Families& out);

  // From the next start() on, every number that is read is appended to `numbers`, in the order of the body; nullptr, as
  // at first, for none. Positions are 32-bit, so bodies must be shorter than 4 GiB.
  void note_numbers(std::vector<TextNumber>* numbers) noexcept { numbers_ = numbers; }

  // Parses at least one window, then looks at the clock after each.
  [[nodiscard]] Step step(Deadline deadline);

 private:
  // Where stage 2 stands: reads through `at`, makes views by adding `to_body` to what it reads (0 but in the scratch).
  struct Cursor {
    const char* at;        // first byte of the line, later the byte looked at
    const uint16_t* next;  // first entry of the index that lies at or behind `at`
    const char* window;
    const char* end;  // of the window's readable bytes
    ptrdiff_t to_body;

    [[nodiscard]] const char* entry(int k) const noexcept { return window + next[k]; }
    [[nodiscard]] std::string_view view(const char* from, const char* to) const noexcept {
      return {from + to_body, static_cast<size_t>(to - from)};
    }
  };

  struct Value {
    double number = 0;
    std::string_view text;
    int64_t timestamp_ms = 0;
    bool has_timestamp = false;
  };

  // One window; false to decline, as everywhere below.
  [[nodiscard]] bool parse_window();
  [[nodiscard]] bool parse_lines(Cursor cursor, const char* lines_end);
  [[nodiscard]] bool parse_sample(Cursor& cursor);
  [[nodiscard]] bool parse_comment(Cursor& cursor);
  [[nodiscard]] bool parse_help(const Cursor& cursor, uint32_t family, const char* line_end);
  [[nodiscard]] bool parse_type(const Cursor& cursor, uint32_t family, const char* line_end);

  // The metric name at the cursor, moved behind it; nullptr when there is none.
  [[nodiscard]] MetricName* parse_name(Cursor& cursor);
  [[nodiscard]] MetricName* learn_name(Cursor& cursor);
  // The label set at the cursor, which stands behind the `{` and is moved behind the `}`. Appends to Families::labels,
  // but a label that is `bound` goes to bound_text_.
  [[nodiscard]] bool parse_labels(Cursor& cursor, BoundLabel bound);
  [[nodiscard]] bool unescape_value(Cursor& cursor, std::string_view& value);
  [[nodiscard]] bool parse_value(Cursor& cursor, Value& out);
  [[nodiscard]] bool parse_bound(double& bound) const;
  [[nodiscard]] bool store_summary(uint32_t metric, NameRole role, double value);
  [[nodiscard]] bool store_histogram(uint32_t metric, NameRole role, double value);
  // The number of the line that was just stored.
  void note_number(std::string_view text, uint32_t metric, NameRole role, model::MetricType type);

  const simd::Kernel* kernel_;

  std::string_view body_;
  size_t at_ = 0;  // first byte of the body that no window has consumed
  model::Families* out_ = nullptr;
  std::vector<TextNumber>* numbers_ = nullptr;

  // The window.
  uint32_t window_bytes_ = 0;
  bool check_values_ = false;  // it has bytes that are not UTF-8: look at every label value
  std::vector<uint16_t> index_;
  std::vector<char> scratch_;  // copy of the last window, padded

  // What the lines so far have taught.
  MetricNames names_;
  uint32_t name_ = 0;  // the previous line's entry in names_
  LabelNames label_names_;
  SeriesTable series_;
  std::string_view bound_text_;  // of the line being read; without data when it has none
};

}  // namespace sluice::parser
