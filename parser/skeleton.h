// A body that was seen before, but for its numbers.
//
// The jobs of a fleet push the same names and labels over and over, with other numbers. A skeleton keeps a copy of one
// body, where its numbers stand, and the families that the fast parser, or the one of protobuf, made of it. A body that
// is equal byte by byte outside of the numbers, and whose numbers that parser would read by itself, has the same
// families with other numbers: match() compares and reads, which costs a quarter of parsing. Whatever differs otherwise
// is no match, and the caller parses it.
//
// In a protobuf body numbers are doubles and varints of the same length; it is kept only when text says all of it.
//
// The families view the copy, but for Metric::value_text and Metric::exact, which view the body that matched last; that
// must stay for as long as they are used. A number that the canonical push has as the body spells it is not read before
// somebody asks for the families.
//
// The canonical push is remembered as well (skeleton_text.h), for one set of grouping label names at a time.
//
// A small skeleton is made, compared and written in one piece each, bounded by limits::kSkeletonBodyBytesMax (10 us); a
// large one, of text only, in steps that look at the deadline every few microseconds, and with its template at once.
//
// A plain object of one owner, which it may change from push to push; one thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/large_memory.h"
#include "core/model/canonical.h"
#include "core/model/families.h"
#include "core/model/group_key.h"
#include "parser/protobuf_parser.h"
#include "parser/simd/kernel.h"
#include "parser/skeleton_text.h"
#include "parser/text_fast.h"
#include "parser/text_number.h"

namespace sluice::parser {

class Skeleton {
 public:
  // What making needs.
  struct Workshop {
    explicit Workshop(const simd::Kernel& kernel) : parser(kernel) {}
    FastTextParser parser;
    SkeletonText::Scratch text;
  };

  explicit Skeleton(const SkeletonBounds& bounds = kSmallSkeleton) noexcept : bounds_(&bounds), text_(bounds) {}
  Skeleton(const Skeleton&) = delete;
  Skeleton& operator=(const Skeleton&) = delete;

  // Keeps `body`, once. False when it cannot be kept, and the skeleton is of no use: the fast parser does not take it,
  // it has a timestamp or no number at all, or it takes more memory than limits::kSkeletonBytesMax. `parser` is
  // scratch.
  [[nodiscard]] bool make(std::string_view body, FastTextParser& parser);
  // The same for delimited protobuf. False as well when a metric needs a record.
  [[nodiscard]] bool make(std::string_view body, ProtobufParser& parser);
  // make() of a text body in steps, and the template for the names of `key`; without one it is kept all the same. All
  // must stay until it is no longer kMore, the workshop as it is left from step to step.
  void begin_make(std::string_view body) noexcept { source_ = body; }
  [[nodiscard]] SkeletonStep step_make(const model::GroupKey& key, Workshop& workshop, Deadline deadline);

  // Whether `body` is this one with other numbers. If so, families() are those of `body`, as its parser makes them; the
  // caller says by its choice of skeletons that it is of the same form. Otherwise they are not to be used before the
  // next match.
  [[nodiscard]] bool match(std::string_view body);
  // The same in steps, of a text body, which must stay.
  void begin_match(std::string_view body) noexcept;
  [[nodiscard]] SkeletonStep step_match(Deadline deadline);
  [[nodiscard]] const model::Families& families() {
    while (!step_read(Deadline::never())) {
    }
    return families_;
  }
  // Reads some of the numbers that families() would read; false when there are more.
  [[nodiscard]] bool step_read(Deadline deadline);
  // The same, but its numbers may be those of another body.
  [[nodiscard]] const model::Families& families_without_numbers() const noexcept { return families_; }

  // After a match: writes what the Canonicaliser makes of families() and `key`, views included, with or without its
  // check. False when it has to be asked, `out` is then unusable.
  [[nodiscard]] bool write_canonical(const model::GroupKey& key, model::CanonicalPush& out,
                                     SkeletonText::Scratch& scratch);
  // The same in steps, for a key with the names that the template was made for. A push that may expand to more than
  // `expanded_max` bytes, by the canonicaliser's count, is left to it.
  [[nodiscard]] bool begin_write(const model::GroupKey& key, model::CanonicalPush& out, uint64_t expanded_max);
  // Keys in a row that had other names than the template, since begin_write() met one that had the same.
  [[nodiscard]] uint32_t misfits() const noexcept { return misfits_; }
  [[nodiscard]] SkeletonStep step_write(model::CanonicalPush& out, Deadline deadline) {
    return text_.step_write(families_, spelled_, out, deadline);
  }

  // Of memory, about.
  [[nodiscard]] size_t bytes() const noexcept;

 private:
  enum class Making : uint8_t { kCopy, kParse, kPlaces, kJudge, kText };

  [[nodiscard]] std::string_view copied_body() const noexcept { return {body_.data(), body_.size()}; }
  // Copies some of the body.
  void copy_source();
  // Whether the text body that was parsed can be kept, behind find_places().
  [[nodiscard]] bool judge_text();
  void find_places();
  // Puts a number in its place; false when the fast parser would not take it, or something stands behind it.
  [[nodiscard]] bool read(const TextNumber& number, const char* at, const char* end);
  [[nodiscard]] bool match_protobuf(std::string_view body);
  // The same for the bytes of a number that are as many as those of the first body.
  [[nodiscard]] bool read_protobuf(const TextNumber& number, const char* at);

  const SkeletonBounds* bounds_;
  bool protobuf_ = false;
  LargeVector<char> body_;
  std::vector<TextNumber> numbers_;  // in the order of the body
  std::vector<uint32_t> messages_;   // of a protobuf body: where that of each metric begins
  model::Families families_;
  std::string_view matched_;               // the body that matched last
  std::vector<std::string_view> spelled_;  // of each number that is canonical as it stands there; else empty
  bool may_spell_ = false;                 // no two numbers stand for the same thing, of which the later would count
  size_t read_ = 0;                        // of spelled_: so many are in families_

  // Where step_match() stands: the next number, in both bodies.
  size_t compared_ = 0;
  const char* compared_at_ = nullptr;
  size_t compared_mine_ = 0;
  // Where step_make() stands.
  Making making_ = Making::kCopy;
  std::string_view source_;

  SkeletonText text_;
  uint32_t misfits_ = 0;      // keys with other names than the template's
  uint32_t misfits_max_ = 1;  // so many, and the template is made anew for the names of the last
};

}  // namespace sluice::parser
