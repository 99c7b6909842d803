// The grouping key of a request path: whatever bytes come, a key that is accepted is canonical, survives its own
// encoding and is found again from a path that spells it another way; cleaning a path twice is cleaning it once.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "core/model/group_key.h"
#include "parser/grouping_key.h"
#include "parser/names.h"
#include "parser/path.h"

namespace sluice::parser {
namespace {

void expect(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "DIFFERENCE: %s\n", what);
  std::abort();
}

std::string base64_url(std::string_view text) {
  static constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string out;
  uint32_t bits = 0;
  int have = 0;
  for (const char c : text) {
    bits = bits << 8 | static_cast<uint8_t>(c);
    for (have += 8; have >= 6; have -= 6) out += kDigits[bits >> (have - 6) & 63];
  }
  if (have != 0) out += kDigits[bits << (6 - have) & 63];
  // An empty value is spelled "=", because an empty component would vanish when the path is cleaned.
  return out.empty() ? "=" : out;
}

void check_canonical(const model::GroupKey& key) {
  bool has_job = false;
  for (size_t k = 0; k < key.label_count(); ++k) {
    const model::LabelPair label = key.label(k);
    expect(k == 0 || key.label(k - 1).name < label.name, "labels are sorted and unique");
    expect(!(label.name == "instance" && label.value.empty()), "an empty instance is left out");
    has_job |= label.name == "job";
  }
  expect(has_job && !key.job().empty(), "a key has a job");
  const model::GroupKey copy = model::GroupKey::from_bytes(key.bytes());
  expect(copy.bytes() == key.bytes() && copy.hash() == key.hash() && copy.label_count() == key.label_count(),
         "a key survives its encoding");
}

// The same key from a path of base64 values, labels in reverse order.
void check_respelled(const model::GroupKey& key) {
  std::string path = base64_url(key.job());
  for (size_t k = key.label_count(); k-- > 0;) {
    const model::LabelPair label = key.label(k);
    if (label.name == "job") continue;
    if (!is_valid_label_name(label.name, NameScheme::kLegacy)) return;
    path += "/";
    path += label.name;
    path += "@base64/" + base64_url(label.value);
  }
  const auto again = parse_grouping_key(path, true, NameScheme::kLegacy);
  expect(again.has_value() && again->bytes() == key.bytes(), "a key is found from another spelling");
}

}  // namespace

int fuzz_key(std::string_view input) {
  for (const NameScheme scheme : {NameScheme::kLegacy, NameScheme::kUtf8}) {
    for (const bool job_is_base64 : {false, true}) {
      const auto key = parse_grouping_key(input, job_is_base64, scheme);
      if (key.has_value()) {
        check_canonical(*key);
        check_respelled(*key);
      } else {
        expect(!key.error().empty(), "a refusal has a text");
      }
    }
  }
  const std::string path = "/" + std::string(input);
  const std::string clean = clean_path(path);
  expect(clean_path(clean) == clean, "a clean path is clean");
  expect(clean.starts_with('/') && clean.find("//") == std::string::npos, "a clean path has no doubled slash");
  expect((clean + '/').find("/./") == std::string::npos && (clean + '/').find("/../") == std::string::npos,
         "a clean path leads nowhere but down");
  for (const char c : encode_path(clean)) expect(c > ' ' && c < 0x7f && c != '"', "an encoded path is printable");
  return 0;
}

}  // namespace sluice::parser

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return sluice::parser::fuzz_key({reinterpret_cast<const char*>(data), size});
}
