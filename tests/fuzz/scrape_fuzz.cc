// Scrapes of a push, text or protobuf by the lowest bit of the first byte, names escaped by the next two: every form is
// the same in any slices; a delimited scrape with names as they are, pushed again, gives the same text, help and
// record.
#include <fmt/format.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/clock.h"
#include "core/model/canonical.h"
#include "core/render/protobuf_renderer.h"
#include "core/render/renderer.h"
#include "parser/canonical.h"
#include "parser/protobuf_parser.h"
#include "parser/text_parser.h"
#include "tests/core/render/fake_snapshot.h"

namespace sluice::parser {
namespace {

using render::NameEscaping;
using render::ProtobufForm;

// Bytes that are no text are shown as \xHH, so that a record can be read.
std::string readable(std::string_view bytes) {
  std::string out;
  for (const char byte : bytes) {
    if (byte == '\n' || (byte >= ' ' && byte < 0x7f)) {
      out += byte;
    } else {
      fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<unsigned char>(byte));
    }
  }
  return out;
}

[[noreturn]] void differ(const char* what, std::string_view got, std::string_view wanted) {
  fmt::print(stderr, "DIFFERENCE: {}\n--- wanted\n{}\n--- got\n{}\n", what, readable(wanted), readable(got));
  std::abort();
}

bool parse(std::string_view body, bool protobuf, model::Families& families) {
  static TextParser text;
  static ProtobufParser messages;
  if (protobuf) {
    messages.start(body, families);
    return messages.step(Deadline::never()) == ProtobufParser::Step::kDone;
  }
  text.start(body, NameScheme::kUtf8, families);
  return text.step(Deadline::never()) == TextParser::Step::kDone;
}

bool canonicalise(const model::Families& families, model::CanonicalPush& push) {
  static Canonicaliser canonicaliser;
  static const model::GroupKey key = model::GroupKey::from_labels({{"job", "j"}, {"zone", "z"}});
  canonicaliser.begin(families, key, push);
  return canonicaliser.step(Deadline::never()) == Canonicaliser::State::kDone;
}

std::string drain(render::ByteSource& source, size_t capacity, Deadline deadline) {
  std::string out;
  std::vector<char> buffer(capacity);
  auto state = render::ByteSource::State::kMore;
  while (state == render::ByteSource::State::kMore) {
    size_t used = 0;
    state = source.produce(buffer.data(), capacity, used, deadline);
    out.append(buffer.data(), used);
  }
  return out;
}

std::string scrape(const render::FakeSnapshot& snapshot, ProtobufForm form, NameEscaping escaping) {
  render::ProtobufRenderer whole(snapshot.buckets(), {}, form, escaping);
  render::ProtobufRenderer sliced(snapshot.buckets(), {}, form, escaping);
  std::string out = drain(whole, 64 * 1024, Deadline::never());
  const std::string again = drain(sliced, 61, Deadline{0});
  if (again != out) differ("any slicing gives the same bytes", again, out);
  return out;
}

void scrape_text(const render::FakeSnapshot& snapshot, NameEscaping escaping) {
  render::Renderer whole(snapshot.buckets(), {}, escaping);
  render::Renderer sliced(snapshot.buckets(), {}, escaping);
  const std::string out = drain(whole, 64 * 1024, Deadline::never());
  const std::string again = drain(sliced, 61, Deadline{0});
  if (again != out) differ("any slicing gives the same text", again, out);
}

void compare(const model::CanonicalPush& got, const model::CanonicalPush& wanted) {
  if (got.families.size() != wanted.families.size()) differ("the families come back", "", "");
  for (size_t i = 0; i < wanted.families.size(); ++i) {
    const model::CanonicalFamily& family = wanted.families[i];
    const model::CanonicalFamily& back = got.families[i];
    if (back.name != family.name) differ("a name comes back", back.name, family.name);
    if (back.has_help != family.has_help || back.help != family.help)
      differ("a help comes back", back.help, family.help);
    if (back.type != family.type) differ("a type comes back", back.name, family.name);
    const model::Fragment fragment = wanted.fragment(family);
    const model::Fragment fragment_back = got.fragment(back);
    if (fragment_back.text() != fragment.text()) differ("text comes back", fragment_back.text(), fragment.text());
    if (fragment_back.record() != fragment.record())
      differ("a record comes back", fragment_back.record(), fragment.record());
  }
}

}  // namespace

int fuzz_scrape(std::string_view input) {
  static model::Families families;
  static model::Families again;
  static model::CanonicalPush push;
  static model::CanonicalPush back;
  if (input.empty()) return 0;
  const auto first = static_cast<unsigned char>(input[0]);
  if (!parse(input.substr(1), (first & 1) != 0, families) || !canonicalise(families, push)) return 0;

  std::vector<model::ShapeFamily> shape;
  std::vector<std::string> texts;
  std::vector<std::string> records;
  for (const model::CanonicalFamily& family : push.families) {
    shape.push_back({family.name, family.help, family.has_help, family.type});
    texts.emplace_back(push.fragment(family).text());
    records.emplace_back(push.fragment(family).record());
  }
  render::FakeSnapshot snapshot;
  snapshot.add_group(snapshot.add_shape(shape), "instance=\"\",job=\"j\",zone=\"z\"", texts, 1, 0, records);
  constexpr NameEscaping kEscapings[] = {NameEscaping::kUnderscores, NameEscaping::kDots, NameEscaping::kValues,
                                         NameEscaping::kNone};
  const NameEscaping escaping = kEscapings[first >> 1 & 3];
  scrape_text(snapshot, escaping);
  for (const auto form : {ProtobufForm::kText, ProtobufForm::kCompactText, ProtobufForm::kDelimited}) {
    static_cast<void>(scrape(snapshot, form, escaping));
  }
  const std::string delimited = scrape(snapshot, ProtobufForm::kDelimited, NameEscaping::kNone);
  if (!parse(delimited, true, again)) differ("a delimited scrape parses", "", "");
  if (!canonicalise(again, back)) differ("a delimited scrape has no conflict", "", "");
  compare(back, push);
  return 0;
}

}  // namespace sluice::parser

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return sluice::parser::fuzz_scrape({reinterpret_cast<const char*>(data), size});
}
