// The bodies of the parser's benches, and of the Go parsers that are measured beside it: the same bytes for all.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace sluice::bench {

struct ParserWorkload {
  const char* name;
  std::string body;
  // What a parser must find in it.
  size_t families;
  size_t metrics;
  size_t labels;
  size_t points;   // buckets and quantiles
  size_t samples;  // lines that are no comments
};

[[nodiscard]] const std::vector<ParserWorkload>& parser_workloads();

}  // namespace sluice::bench
