// The types that a gob stream defines, and how to step over a value of any of them.
//
// A stream describes its types before their values, each in a message of its own: a wireType, which is a struct of
// gob's own types that both sides know. Numbers below 64 are the types that need no definition. A decoder finds the
// fields of a struct by name and steps over those that it does not know, so a later version of a program may add some.
//
// Limits: kTypesMax definitions, values at most kDepthMax deep; everything else is bounded by the bytes that are there.
// One owner, one thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "parser/gob_cursor.h"

namespace sluice::parser {

struct GobField {
  std::string name;
  int64_t type = 0;
};

struct GobType {
  enum class Kind : uint8_t {
    kNumber,  // bool, int, uint and float: one unsigned number on the wire
    kComplex,
    kBytes,   // []byte and string
    kOpaque,  // what a type's own encoder wrote
    kInterface,
    kList,  // slice and array
    kMap,
    kStruct,
  };

  Kind kind = Kind::kNumber;
  std::string name;              // as the program that wrote it calls it; may be empty
  int64_t key = 0;               // of a map
  int64_t element = 0;           // of a map or list
  std::vector<GobField> fields;  // of a struct

  // Index of the field `wanted`, or -1.
  [[nodiscard]] int64_t find(std::string_view wanted) const noexcept;
};

class GobTypes {
 public:
  static constexpr int64_t kString = 6;  // its number in every stream
  static constexpr size_t kTypesMax = 256;
  static constexpr unsigned kDepthMax = 64;

  GobTypes();

  // Reads the wireType that `cursor` stands before, which defines `id`; the cursor says whether it was right.
  void define(GobCursor& cursor, int64_t id);
  // nullptr when nothing defines it.
  [[nodiscard]] const GobType* find(int64_t id) const noexcept;
  // Steps over a value of the type. O(bytes).
  void skip(GobCursor& cursor, int64_t id, unsigned depth = 0) const;
  // How many the stream has defined.
  [[nodiscard]] size_t defined() const noexcept { return types_.size() - built_in_; }

 private:
  std::map<int64_t, GobType> types_;
  size_t built_in_;
};

// The fields of a struct value, in their order:  `while (fields.next(cursor)) take or skip fields.index()`.
class GobStructWalk {
 public:
  explicit GobStructWalk(const GobType& type) noexcept : type_(type) {}
  // False at the end of the struct and at a fault.
  [[nodiscard]] bool next(GobCursor& cursor) noexcept;
  [[nodiscard]] int64_t index() const noexcept { return index_; }
  [[nodiscard]] int64_t type() const noexcept { return type_.fields[static_cast<size_t>(index_)].type; }

 private:
  const GobType& type_;
  int64_t index_ = -1;
};

}  // namespace sluice::parser
