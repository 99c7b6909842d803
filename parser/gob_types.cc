#include "parser/gob_types.h"

#include <utility>

namespace sluice::parser {
namespace {

using Kind = GobType::Kind;

constexpr int64_t kFirstDefined = 64;
// The order of the fields of wireType (encoding/gob/type.go).
enum : int64_t { kIsArray, kIsSlice, kIsStruct, kIsMap, kIsGobEncoder, kIsBinaryMarshaler, kIsTextMarshaler, kForms };

// Ends with the struct or a fault; `take(index)` reads the field `index` below `fields`.
template <typename Take>
void for_each_field(GobCursor& cursor, int64_t fields, Take take) {
  int64_t index = -1;
  while (cursor.ok()) {
    const uint64_t step = cursor.take_unsigned();
    if (step == 0) return;
    if (step > static_cast<uint64_t>(fields - 1 - index))
      return cursor.fail("a field that gob's own type does not have");
    index += static_cast<int64_t>(step);
    take(index);
  }
}

// CommonType: a name and the number, which is also in front of the definition.
void take_common(GobCursor& cursor, GobType& type) {
  for_each_field(cursor, 2, [&](int64_t index) {
    if (index == 0) {
      type.name = cursor.take_bytes();
    } else {
      static_cast<void>(cursor.take_signed());
    }
  });
}

void take_fields(GobCursor& cursor, GobType& type) {
  for (uint64_t count = cursor.take_count(); count > 0 && cursor.ok(); --count) {
    GobField& field = type.fields.emplace_back();
    for_each_field(cursor, 2, [&](int64_t index) {
      if (index == 0) {
        field.name = cursor.take_bytes();
      } else {
        field.type = cursor.take_signed();
      }
    });
  }
}

// arrayType, sliceType, structType, mapType or gobEncoderType, which all begin with a CommonType.
void take_form(GobCursor& cursor, int64_t form, GobType& type) {
  constexpr int64_t kFieldsOf[kForms] = {3, 2, 2, 3, 1, 1, 1};
  for_each_field(cursor, kFieldsOf[form], [&](int64_t index) {
    if (index == 0) {
      take_common(cursor, type);
    } else if (form == kIsStruct) {
      take_fields(cursor, type);
    } else if (form == kIsMap) {
      (index == 1 ? type.key : type.element) = cursor.take_signed();
    } else if (index == 1) {
      type.element = cursor.take_signed();
    } else {
      static_cast<void>(cursor.take_signed());  // the length of an array, which its values repeat
    }
  });
}

Kind kind_of(int64_t form) {
  switch (form) {
    case kIsArray:
    case kIsSlice:
      return Kind::kList;
    case kIsStruct:
      return Kind::kStruct;
    case kIsMap:
      return Kind::kMap;
    default:
      return Kind::kOpaque;
  }
}

void skip_interface(GobCursor& cursor) {
  if (cursor.take_bytes().empty()) return;  // the name of the type inside; a nil has none
  if (cursor.take_signed() < 0) return cursor.fail("a type definition inside of a value");
  static_cast<void>(cursor.take_bytes());
}

}  // namespace

int64_t GobType::find(std::string_view wanted) const noexcept {
  for (size_t i = 0; i < fields.size(); ++i) {
    if (fields[i].name == wanted) return static_cast<int64_t>(i);
  }
  return -1;
}

GobTypes::GobTypes() {
  const auto basic = [this](int64_t id, Kind kind) { types_[id].kind = kind; };
  for (int64_t id = 1; id <= 4; ++id) basic(id, Kind::kNumber);  // bool, int, uint, float
  basic(5, Kind::kBytes);
  basic(kString, Kind::kBytes);
  basic(7, Kind::kComplex);
  basic(8, Kind::kInterface);
  built_in_ = types_.size();
}

void GobTypes::define(GobCursor& cursor, int64_t id) {
  if (id < kFirstDefined || types_.contains(id)) return cursor.fail("a type is defined twice");
  if (defined() == kTypesMax) return cursor.fail("too many types");
  GobType type;
  int64_t forms = 0;
  for_each_field(cursor, kForms, [&](int64_t form) {
    type.kind = kind_of(form);
    ++forms;
    take_form(cursor, form, type);
  });
  if (cursor.ok() && forms != 1) cursor.fail("a type definition that is not one type");
  if (cursor.ok()) types_.emplace(id, std::move(type));
}

const GobType* GobTypes::find(int64_t id) const noexcept {
  const auto at = types_.find(id);
  return at == types_.end() ? nullptr : &at->second;
}

void GobTypes::skip(GobCursor& cursor, int64_t id, unsigned depth) const {
  const GobType* const type = find(id);
  if (type == nullptr) return cursor.fail("a value of a type that is not defined");
  if (depth > kDepthMax) return cursor.fail("values are nested too deep");
  switch (type->kind) {
    case Kind::kComplex:
      static_cast<void>(cursor.take_unsigned());
      [[fallthrough]];
    case Kind::kNumber:
      static_cast<void>(cursor.take_unsigned());
      return;
    case Kind::kBytes:
    case Kind::kOpaque:
      static_cast<void>(cursor.take_bytes());
      return;
    case Kind::kInterface:
      return skip_interface(cursor);
    case Kind::kList:
    case Kind::kMap:
      for (uint64_t count = cursor.take_count(); count > 0 && cursor.ok(); --count) {
        if (type->kind == Kind::kMap) skip(cursor, type->key, depth + 1);
        skip(cursor, type->element, depth + 1);
      }
      return;
    case Kind::kStruct:
      for (GobStructWalk fields(*type); fields.next(cursor);) skip(cursor, fields.type(), depth + 1);
      return;
  }
}

bool GobStructWalk::next(GobCursor& cursor) noexcept {
  const uint64_t step = cursor.take_unsigned();
  if (step == 0) return false;
  if (step > type_.fields.size() - 1 - static_cast<uint64_t>(index_)) {
    cursor.fail("a field that its struct does not have");
    return false;
  }
  index_ += static_cast<int64_t>(step);
  return true;
}

}  // namespace sluice::parser
