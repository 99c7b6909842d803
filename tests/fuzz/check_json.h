// What the fuzzers of fragments share: the JSON of every fragment of a push is JSON, and has an object for each metric.
#pragma once

#include <simdjson.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "core/model/canonical.h"
#include "parser/fragment_json.h"

namespace sluice::parser {

inline void check_json(const model::CanonicalPush& push) {
  static FragmentJson machine;
  static simdjson::dom::parser reader;
  for (const model::CanonicalFamily& family : push.families) {
    const model::Fragment fragment = push.fragment(family);
    std::string json;
    machine.begin(family.name, family.type, fragment);
    while (!machine.step(json)) {
    }
    simdjson::dom::array metrics;
    const bool good =
        reader.parse(json).get(metrics) == simdjson::SUCCESS && metrics.size() == fragment.header().series;
    if (good) continue;
    std::fprintf(stderr, "DIFFERENCE: the JSON of a fragment\n%s\n", json.c_str());
    std::abort();
  }
}

}  // namespace sluice::parser
