// Reads a scrape after the run and says whether it can be the truth: every group shows one push, not older than the
// last acknowledged and not newer than the last sent, complete, and nothing else bears the run's job.
//
// One owner, one thread. Bytes may come in any pieces. Memory: about 16 bytes a group, a bit for each series; O(bytes
// of the scrape + series). Series of other jobs are counted and otherwise ignored: the gateway may have other clients.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tools/load/body.h"
#include "tools/load/group_names.h"
#include "tools/load/groups.h"
#include "tools/load/sample_line.h"

namespace sluice::tools::load {

struct Violation {
  std::string group;  // {instance="host-7",job="load"}
  std::string what;   // one sentence
};

struct Verdict {
  std::vector<Violation> violations;  // the first few
  uint64_t violations_total = 0;
  uint64_t groups = 0;        // that the scrape shows, of this run
  uint64_t series = 0;        // the same, push times left out
  uint64_t other_series = 0;  // of other jobs, and the gateway's own
  [[nodiscard]] bool holds() const noexcept { return violations_total == 0; }
};

class Verifier {
 public:
  static constexpr size_t kViolationsKept = 20;

  // All of it outlives this. `threads` are the groups of each thread, in the order of the threads.
  Verifier(const Body& body, const GroupNames& names, const std::vector<const Groups*>& threads);

  void feed(std::string_view bytes);
  [[nodiscard]] Verdict finish();

 private:
  struct Seen {
    uint32_t sequence = 0;  // of the first series that carries one
    uint32_t series = 0;    // different ones of the body
    uint8_t push_times = 0;
  };
  void line(std::string_view text);
  void series_of(uint64_t group, GroupNames::Place place);
  void value_of(uint64_t group, Seen& seen, const ExpectedSeries& expected);
  void check_group(uint64_t group, GroupNames::Place place);
  void violation(uint64_t group, std::string what) { violation(names_.group_text(group), std::move(what)); }
  void violation(std::string group, std::string what);
  [[nodiscard]] bool set_bit(size_t index, size_t series);

  const Body& body_;
  const GroupNames& names_;
  std::vector<const Groups*> threads_;
  std::vector<size_t> first_;  // index in seen_ of each thread's slot 0
  std::vector<Seen> seen_;
  size_t words_per_group_;
  std::vector<uint64_t> bits_;
  std::string rest_;  // an incomplete line
  SampleLine sample_;
  std::string identity_;
  Verdict verdict_;
};

}  // namespace sluice::tools::load
