// The reader of the reference's persistence file: whole and in windows it gives the same groups or the same error,
// every view lies in the window, and it never asks for more than there is.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "parser/gob_groups.h"

namespace sluice::parser {
namespace {

using Step = GobGroups::Step;

[[noreturn]] void differ(const char* what, const std::string& got, const std::string& wanted) {
  std::fprintf(stderr, "DIFFERENCE: %s\n--- wanted\n%s\n--- got\n%s\n", what, wanted.c_str(), got.c_str());
  std::abort();
}

void append(std::string& out, std::string_view window, std::string_view part) {
  if (!part.empty() && (part.data() < window.data() || part.data() + part.size() > window.data() + window.size())) {
    differ("a view lies in the window", "", "");
  }
  out.append(std::to_string(part.size())).append(":").append(part).append(" ");
}

// Windows of at least `window` bytes, each a copy of exactly its length so that sanitizers see an overrun.
std::string read(std::string_view bytes, size_t window) {
  GobGroups groups(bytes.size());
  GobGroup group;
  std::string out;
  size_t length = window;
  while (true) {
    const std::string copy(bytes.substr(groups.offset(), length));
    const uint64_t before = groups.offset();
    const Step step = groups.step(copy, group);
    if (groups.offset() < before || groups.offset() > bytes.size()) differ("the offset stays in the file", "", "");
    if (step == Step::kEnd) return out + "end";
    if (step == Step::kError) return out + groups.error();
    if (step == Step::kMore) {
      if (before + length >= bytes.size()) differ("no more is asked for than there is", out, "");
      length += window;
      continue;
    }
    length = window;
    for (const auto& [name, value] : group.labels) {
      append(out, copy, name);
      append(out, copy, value);
    }
    for (const GobFamily& family : group.families) {
      append(out, copy, family.name);
      append(out, copy, family.message);
      out += std::to_string(family.time_ns);
    }
    out += '\n';
  }
}

}  // namespace

int fuzz_gob(std::string_view bytes) {
  const std::string whole = read(bytes, bytes.size() + 1);
  const std::string windows = read(bytes, bytes.size() / 7 + 1);
  if (windows != whole) differ("in windows and whole", windows, whole);
  return 0;
}

}  // namespace sluice::parser

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return sluice::parser::fuzz_gob({reinterpret_cast<const char*>(data), size});
}
