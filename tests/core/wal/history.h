// What was asked of a log that may crash, and whether what is recovered can be explained by it.
//
// Each family that is pushed has a text of its own, so what is recovered says which push it is of.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/store/journal.h"

namespace sluice::wal::testing {

// What one group holds: the text of each family.
using Families = std::map<std::string, std::string>;
using Groups = std::map<std::string, Families>;

struct Mutation {
  store::ChangeKind kind = store::ChangeKind::kPost;
  uint64_t stamp = 0;
  std::string group;
  Families families;
  bool in_process = false;  // written: survives the process
  bool on_disk = false;     // durable: survives a power cut
};

class History {
 public:
  // In the order of their stamps but for other workers' small differences. A DELETE of a missing group, which has the
  // newest stamp that it saw, is one as well. The index is for at().
  size_t add(Mutation mutation);
  [[nodiscard]] Mutation& at(size_t index) noexcept { return all_[index]; }
  [[nodiscard]] size_t size() const noexcept { return all_.size(); }

  // Empty, or why `recovered` cannot be: something was never sent, something secured is missing, a push is there in
  // part, or an older one hides a newer one.
  [[nodiscard]] std::string check(const Groups& recovered, bool power_cut) const;
  // A new life begins with what was recovered: younger stamps are drawn again.
  void restart(const Groups& recovered, uint64_t stamp_max, bool power_cut);

 private:
  using Ordered = std::vector<const Mutation*>;
  [[nodiscard]] std::string check_group(const Ordered& mutations, const std::string& group, const Families* families,
                                        bool power_cut) const;

  std::vector<Mutation> all_;
};

}  // namespace sluice::wal::testing
