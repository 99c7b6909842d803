// Writes the bodies of parser_bench into files, for parsers in other languages: FOLDER/NAME.txt. Prints, for each, its
// name, its bytes and its samples.
//
//   write_bodies FOLDER
#include <fmt/format.h>

#include <fstream>
#include <string>

#include "bench/parser_workloads.h"

int main(int count, char** arguments) {
  if (count != 2) {
    fmt::print(stderr, "usage: write_bodies FOLDER\n");
    return 2;
  }
  for (const auto& workload : sluice::bench::parser_workloads()) {
    const std::string path = fmt::format("{}/{}.txt", arguments[1], workload.name);
    std::ofstream file(path, std::ios::binary);
    file << workload.body;
    file.close();
    if (!file) {
      fmt::print(stderr, "write_bodies: {} cannot be written\n", path);
      return 1;
    }
    fmt::print("{} {} {}\n", workload.name, workload.body.size(), workload.samples);
  }
  return 0;
}
