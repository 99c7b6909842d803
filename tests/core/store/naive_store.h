// The model: what the reference does, written down as naively as it does it. Every push copies everything, applies
// itself and gathers the whole result again (pushgateway diskmetricstore.go, client_golang registry.go).
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/model/families.h"
#include "core/store/store.h"
#include "tests/core/store/testing.h"

namespace sluice::store::testing {

// A key as the stores below name its group: the text between the braces of its samples.
[[nodiscard]] std::string label_text_of(const model::GroupKey& key);

class NaiveStore {
 public:
  struct Family {
    model::MetricType type = model::MetricType::kUntyped;
    std::string content;           // as GroupContent::families has it
    std::set<std::string> series;  // label texts
    friend bool operator==(const Family&, const Family&) = default;
  };
  struct Group {
    int64_t push_time_ns = 0;
    int64_t push_failure_time_ns = 0;
    std::map<std::string, Family> families;
    friend bool operator==(const Group&, const Group&) = default;
  };
  using Groups = std::map<std::string, Group>;  // by label text

  explicit NaiveStore(std::vector<OwnFamily> own) : own_(std::move(own)) {}

  // True: stored. False: inconsistent, nothing happened.
  bool push(const Pushed& pushed, bool replace, int64_t wall_ns);
  void fail(const model::GroupKey& key, int64_t wall_ns);
  bool erase(const model::GroupKey& key);
  void wipe() { groups_.clear(); }

  // Whether gathering `groups` gives no error.
  [[nodiscard]] bool consistent(const Groups& groups) const;
  [[nodiscard]] const Groups& groups() const noexcept { return groups_; }
  void set_groups(Groups groups) { groups_ = std::move(groups); }

 private:
  std::vector<OwnFamily> own_;
  Groups groups_;
};

// The same form from a snapshot, to compare; series are taken from the fragments' text.
[[nodiscard]] NaiveStore::Groups groups_of(const Snapshot& snapshot);

}  // namespace sluice::store::testing
