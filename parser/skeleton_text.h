// The canonical push of a skeleton, with holes: what the canonicaliser made of one push, so that the next one with the
// same body but for its numbers, and the same names of grouping labels, is written by copying.
//
// What depends on names, on labels of the body and on the set of grouping label names is the same for both, and passed
// when the template was made: names, types, duplicates, suffixes, the order of families and metrics. What depends on
// values is looked at each time: a grouping label that is not ASCII, and a number that needs a record (a negative zero,
// a count above 2^53), are left to the canonicaliser, which judges them. Families whose metrics differ in their label
// names have no template: their order depends on the values of grouping labels.
//
// Making and writing go in steps, each of which looks at the deadline every few microseconds of work; the other form of
// each is all steps at once, for small bodies.
//
// One owner, one thread. The views in a push point into the families, which must be those of the same skeleton.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/clock.h"
#include "core/base/large_memory.h"
#include "core/base/limit_table.h"
#include "core/base/limits.h"
#include "core/model/canonical.h"
#include "core/model/families.h"
#include "core/model/group_key.h"
#include "core/model/push_pattern.h"
#include "parser/canonical.h"
#include "parser/canonical_escape.h"
#include "parser/text_number.h"

namespace sluice::parser {

// What a skeleton may take. The largest of everything bounds how long a step may take.
struct SkeletonBounds {
  size_t body_bytes;       // fewer than these
  size_t gap_bytes;        // of a body between two numbers, before the first one and behind the last one
  size_t number_bytes;     // of a number that is compared: a longer one is no match
  size_t numbers;          // with a template
  size_t families;         // of a template
  size_t key_labels;       // of a template
  size_t bytes;            // of memory; the template's own as well
  size_t canonical_bytes;  // that it writes
  bool has_pattern;        // the log may keep what it writes by its pattern
  bool keeps_hashes;       // of the series of the last key: few groups push such bodies
};
inline constexpr SkeletonBounds kSmallSkeleton = {
    .body_bytes = limits::kSkeletonBodyBytesMax,
    .gap_bytes = limits::kSkeletonBodyBytesMax,
    .number_bytes = limits::kSkeletonBodyBytesMax,
    .numbers = limits::kSkeletonNumbersMax,
    .families = limits::kSkeletonNumbersMax,
    .key_labels = limits::kLabelsPerKeyMax,
    .bytes = limits::kSkeletonBytesMax,
    .canonical_bytes = limits::kSkeletonCanonicalBytesMax,
    .has_pattern = true,
    .keeps_hashes = false,
};
inline constexpr SkeletonBounds kLargeSkeleton = {
    .body_bytes = limits::kSkeletonLargeBodyBytesMax,
    .gap_bytes = size_t{4} * 1024,
    .number_bytes = 128,
    .numbers = limits::kSkeletonLargeNumbersMax,
    .families = 4096,
    .key_labels = 16,
    .bytes = limits::kSkeletonLargeBytesMax,
    .canonical_bytes = limits::kSkeletonLargeCanonicalBytesMax,
    .has_pattern = false,
    .keeps_hashes = true,
};

// Of what is done in steps: call again, done, cannot be done.
enum class SkeletonStep : uint8_t { kMore, kYes, kNo };

class SkeletonText {
 public:
  // Memory for make().
  struct Scratch {
    Canonicaliser canonicaliser;
    model::CanonicalPush push;
    model::CanonicalPush copy;
    std::string marks;
    limits::Values values;
  };

  explicit SkeletonText(const SkeletonBounds& bounds) noexcept : bounds_(&bounds) {}

  // The template for these families, whose numbers are `numbers`, under the names of `key`. False when there is none;
  // then fits() is false for every key. Either way the numbers of `families` are lost.
  [[nodiscard]] bool make(model::Families& families, std::span<const TextNumber> numbers, const model::GroupKey& key,
                          Scratch& scratch) {
    begin_make();
    return step_make(families, numbers, key, scratch, Deadline::never()) == SkeletonStep::kYes;
  }
  void begin_make();
  // With the same arguments until it is no longer kMore; nothing else of this is to be used meanwhile.
  [[nodiscard]] SkeletonStep step_make(model::Families& families, std::span<const TextNumber> numbers,
                                       const model::GroupKey& key, Scratch& scratch, Deadline deadline);
  [[nodiscard]] bool is_made() const noexcept { return !pattern_.names.empty(); }
  // Whether `key` has the names that the template was made for.
  [[nodiscard]] bool fits(const model::GroupKey& key) const noexcept;
  // Writes the canonical push; false when the canonicaliser must do it, `out` is then unusable. `key` fits. `spelled`:
  // empty, or for each number its canonical spelling, if that is known; then it need not stand in `families`.
  [[nodiscard]] bool write(const model::Families& families, std::span<const std::string_view> spelled,
                           const model::GroupKey& key, model::CanonicalPush& out);
  // The same in steps.
  [[nodiscard]] bool begin_write(const model::GroupKey& key, model::CanonicalPush& out);
  [[nodiscard]] SkeletonStep step_write(const model::Families& families, std::span<const std::string_view> spelled,
                                        model::CanonicalPush& out, Deadline deadline);

  [[nodiscard]] size_t bytes() const noexcept;

 private:
  // Runs are copied in blocks: so many bytes behind one are read, and written.
  static constexpr size_t kSlack = 32;
  static_assert(kSlack >= kCopySlack);

  struct Pen;

  using Run = model::PushPattern::Run;
  struct Line {
    TextNumber number;
    uint32_t number_index = 0;
    uint32_t name_bytes = 0;  // before the label text
    uint32_t tail_bytes = 0;  // between label text and number
    bool first = false;       // of its metric, whose hash it makes
  };
  // Where make() stands in a line.
  struct Scan {
    std::string_view line;
    size_t at = 0;
    size_t from = 0;  // first byte that no run holds
  };

  // Where step_make() stands.
  struct Making {
    enum class Phase : uint8_t { kSpellMarks, kMark, kCanonicalise, kFamily, kNames, kLines, kWrite, kCompare };
    Phase phase = Phase::kSpellMarks;
    size_t at = 0;                   // a number; a family of the push; a byte of the push
    uint32_t metric = model::kNone;  // whose label names are looked at
    std::string_view text;           // of the family, that is not laid out
    bool first = true;               // its next line is the first of a metric
    uint32_t series = 0, lines = 0;  // of the family, so far
  };
  // Where step_write() stands.
  struct Writing {
    size_t family = 0;
    uint32_t line = 0;        // of all
    uint32_t family_end = 0;  // the first line behind the family
    uint32_t lines_per_check = 1;
    bool open = false;  // the family is begun
    char* base = nullptr;
    char* at = nullptr;
    char* fragment = nullptr;
    char* text = nullptr;
    uint64_t* hash = nullptr;
    size_t series = 0;       // whose hashes are written
    bool are_known = false;  // the hashes of this key
    const char* literals = nullptr;
    const Run* runs = nullptr;
  };

  void clear() noexcept;
  // Each does some of its phase, and sets the next one at its end; false when there is no template.
  [[nodiscard]] bool run_phase(model::Families& families, std::span<const TextNumber> numbers,
                               const model::GroupKey& key, Scratch& scratch, Deadline deadline);
  void spell_marks(size_t numbers, std::string& marks);
  void mark(model::Families& families, std::span<const TextNumber> numbers, std::string_view marks);
  [[nodiscard]] bool begin_family(const model::Families& families, const model::CanonicalPush& push);
  [[nodiscard]] bool compare_names(const model::Families& families, const model::CanonicalPush& push);
  [[nodiscard]] bool lay_out_lines(std::span<const TextNumber> numbers, const model::CanonicalPush& push);
  void end_lay_out();
  [[nodiscard]] bool lay_out_line(std::string_view text, std::span<const TextNumber> numbers, Line& out);
  // One label of the line at `scan`, which is moved behind its closing quote.
  [[nodiscard]] bool lay_out_label(Scan& scan);
  void add_run(Scan& scan, uint32_t label);
  // Makes `out` ready for the push, of at most `most` bytes; false when it is not to be written.
  [[nodiscard]] bool make_room(const model::GroupKey& key, model::CanonicalPush& out, size_t& most);
  void end_push(size_t bytes, model::CanonicalPush& out) const noexcept;
  // Puts the values of `key`, escaped, into values_; false when one is not ASCII.
  [[nodiscard]] bool escape_values(const model::GroupKey& key);

  const SkeletonBounds* bounds_;
  Making making_;
  Writing writing_;

  model::PushPattern pattern_;                    // no names without a template; kSlack bytes follow the literals
  std::vector<uint32_t> series_of_;               // of each family
  std::vector<model::CanonicalFamily> families_;  // fragment_at is not set
  LargeVector<Line> lines_;
  std::vector<uint32_t> uses_;  // of each grouping label, in the runs
  uint64_t list_ = 0;           // names the families, and the pattern
  size_t fixed_bytes_ = 0;      // of a push without the values of grouping labels, at most
  uint64_t series_ = 0;

  std::vector<uint64_t> hashes_;  // of all series under hashed_key_, where they are kept
  std::string hashed_key_;
  std::string hashing_key_;  // the same for hashes that are being written

  // Of the key that is being written.
  struct Value {
    const char* text = nullptr;  // kSlack readable bytes follow
    size_t bytes = 0;
  };
  std::vector<Value> values_;
  std::string escaped_;
};

}  // namespace sluice::parser
