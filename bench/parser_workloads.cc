#include "bench/parser_workloads.h"

#include "tests/parser/fast_bodies.h"

namespace sluice::bench {

const std::vector<ParserWorkload>& parser_workloads() {
  static const std::vector<ParserWorkload> all = {
      {"push_S", parser::test::gauges_body(10, 1), 10, 10, 30, 0, 10},
      {"series_15000", parser::test::series_body(15000, 2), 1, 15000, 45000, 0, 15000},
      {"histograms_1000", parser::test::histograms_body(1000, 3), 1, 1000, 2000, 12000, 14000},
  };
  return all;
}

}  // namespace sluice::bench
