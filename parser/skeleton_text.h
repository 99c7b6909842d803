// The canonical push of a skeleton, with holes: what the canonicaliser made of one push, so that the next one with the
// same body but for its numbers, and the same names of grouping labels, is written by copying.
//
// What depends on names, on labels of the body and on the set of grouping label names is the same for both, and passed
// when the template was made: names, types, duplicates, suffixes, the order of families and metrics. What depends on
// values is looked at each time: a grouping label that is not ASCII, and a number that needs a record (a negative zero,
// a count above 2^53), are left to the canonicaliser, which judges them. Families whose metrics differ in their label
// names have no template: their order depends on the values of grouping labels.
//
// One owner, one thread. The views in a push point into the families, which must be those of the same skeleton.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/model/canonical.h"
#include "core/model/families.h"
#include "core/model/group_key.h"
#include "core/model/push_pattern.h"
#include "parser/canonical.h"
#include "parser/canonical_escape.h"
#include "parser/text_number.h"

namespace sluice::parser {

class SkeletonText {
 public:
  // Memory for make().
  struct Scratch {
    Canonicaliser canonicaliser;
    model::CanonicalPush push;
    model::CanonicalPush copy;
    std::string marks;
  };

  // The template for these families, whose numbers are `numbers`, under the names of `key`. False when there is none;
  // then fits() is false for every key. Either way the numbers of `families` are lost.
  [[nodiscard]] bool make(model::Families& families, std::span<const TextNumber> numbers, const model::GroupKey& key,
                          Scratch& scratch);
  // Whether `key` has the names that the template was made for.
  [[nodiscard]] bool fits(const model::GroupKey& key) const noexcept;
  // Writes the canonical push; false when the canonicaliser must do it, `out` is then unusable. `key` fits. `spelled`:
  // empty, or for each number its canonical spelling, if that is known; then it need not stand in `families`.
  [[nodiscard]] bool write(const model::Families& families, std::span<const std::string_view> spelled,
                           const model::GroupKey& key, model::CanonicalPush& out);

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

  void clear() noexcept;
  [[nodiscard]] bool lay_out(const model::Families& families, std::span<const TextNumber> numbers,
                             const model::CanonicalPush& push);
  [[nodiscard]] bool lay_out_line(std::string_view text, std::span<const TextNumber> numbers, Line& out);
  // One label of the line at `scan`, which is moved behind its closing quote.
  [[nodiscard]] bool lay_out_label(Scan& scan);
  void add_run(Scan& scan, uint32_t label);
  // Puts the values of `key`, escaped, into values_; false when one is not ASCII.
  [[nodiscard]] bool escape_values(const model::GroupKey& key);

  model::PushPattern pattern_;                    // no names without a template; kSlack bytes follow the literals
  std::vector<uint32_t> series_of_;               // of each family
  std::vector<model::CanonicalFamily> families_;  // fragment_at is not set
  std::vector<Line> lines_;
  std::vector<uint32_t> uses_;  // of each grouping label, in the runs
  uint64_t list_ = 0;           // names the families, and the pattern
  size_t fixed_bytes_ = 0;      // of a push without the values of grouping labels, at most
  uint64_t series_ = 0;

  // Of the key that is being written.
  struct Value {
    const char* text = nullptr;  // kSlack readable bytes follow
    size_t bytes = 0;
  };
  std::vector<Value> values_;
  std::string escaped_;
};

}  // namespace sluice::parser
