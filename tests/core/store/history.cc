#include "tests/core/store/history.h"

#include <map>
#include <optional>
#include <set>

#include "core/base/check.h"
#include "tests/core/store/random_push.h"

namespace sluice::store::testing {
namespace {

// A string that is equal for equal states.
std::string digest(const NaiveStore::Group& group) {
  std::string out = std::to_string(group.push_time_ns) + ',' + std::to_string(group.push_failure_time_ns);
  for (const auto& [name, family] : group.families) out += '\1' + name + '\2' + family.content;
  return out;
}
std::string digest(const NaiveStore::Groups& groups) {
  std::string out;
  for (const auto& [key, group] : groups) out += key + '\3' + digest(group) + '\4';
  return out;
}

// May `op` be the next of those that are left? Not when another one ended before it began.
bool may_be_next(const std::vector<HistoryOp>& ops, uint64_t left, size_t op) {
  for (size_t other = 0; other < ops.size(); ++other) {
    if ((left >> other & 1) != 0 && ops[other].end < ops[op].begin) return false;
  }
  return true;
}

class SerialSearch {
 public:
  SerialSearch(const std::vector<HistoryOp>& ops, const NaiveStore::Groups& after) : ops_(ops), after_(after) {}

  bool search(uint64_t left, const NaiveStore::Groups& state) {
    if (left == 0) return state == after_;
    if (!seen_.emplace(left, digest(state)).second) return false;
    for (size_t i = 0; i < ops_.size(); ++i) {
      if ((left >> i & 1) == 0 || !may_be_next(ops_, left, i)) continue;
      NaiveStore store(RandomPush::own_families());
      store.set_groups(state);
      if (!apply(ops_[i], store)) continue;
      if (search(left & ~(uint64_t{1} << i), store.groups())) return true;
    }
    return false;
  }

 private:
  static bool apply(const HistoryOp& op, NaiveStore& store) {
    switch (op.kind) {
      case HistoryOp::Kind::kPush:
        return store.push(*op.pushed, op.replace, op.wall_ns) == op.done;
      case HistoryOp::Kind::kFail:
        store.fail(op.key, op.wall_ns);
        return true;
      case HistoryOp::Kind::kErase:
        return store.erase(op.key) == op.done;
      case HistoryOp::Kind::kRead:
        return true;
    }
    return false;
  }

  const std::vector<HistoryOp>& ops_;
  const NaiveStore::Groups& after_;
  std::set<std::pair<uint64_t, std::string>> seen_;
};

// One group: the state is its content, or nothing.
class GroupSearch {
 public:
  using State = std::optional<NaiveStore::Group>;

  GroupSearch(std::string label, std::vector<HistoryOp> ops) : label_(std::move(label)), ops_(std::move(ops)) {}

  bool search(uint64_t left, const State& state) {
    if (left == 0) return true;
    if (!seen_.emplace(left, state.has_value() ? digest(*state) : "-").second) return false;
    for (size_t i = 0; i < ops_.size(); ++i) {
      if ((left >> i & 1) == 0 || !may_be_next(ops_, left, i)) continue;
      State next = state;
      if (apply(ops_[i], next) && search(left & ~(uint64_t{1} << i), next)) return true;
    }
    return false;
  }

 private:
  bool apply(const HistoryOp& op, State& state) const {
    NaiveStore store({});
    if (state.has_value()) store.set_groups({{label_, *state}});
    switch (op.kind) {
      case HistoryOp::Kind::kPush:
        // It was stored; in an order where it would contradict its own group it cannot have been.
        if (!store.push(*op.pushed, op.replace, op.wall_ns)) return false;
        break;
      case HistoryOp::Kind::kFail:
        store.fail(op.key, op.wall_ns);
        break;
      case HistoryOp::Kind::kErase:
        if (store.erase(op.key) != op.done) return false;
        break;
      case HistoryOp::Kind::kRead: {
        const auto at = op.read.find(label_);
        return at == op.read.end() ? !state.has_value() : state.has_value() && at->second == *state;
      }
    }
    state.reset();
    if (!store.groups().empty()) state = store.groups().begin()->second;
    return true;
  }

  std::string label_;
  std::vector<HistoryOp> ops_;
  std::set<std::pair<uint64_t, std::string>> seen_;
};

uint64_t all(size_t count) {
  SLUICE_CHECK(count <= 64);
  return count == 64 ? UINT64_MAX : (uint64_t{1} << count) - 1;
}

}  // namespace

bool serial_order_exists(const std::vector<HistoryOp>& ops, const NaiveStore::Groups& before,
                         const NaiveStore::Groups& after) {
  std::vector<HistoryOp> mutations;
  for (const HistoryOp& op : ops) {
    if (op.kind != HistoryOp::Kind::kRead) mutations.push_back(op);
  }
  return SerialSearch(mutations, after).search(all(mutations.size()), before);
}

std::string first_group_not_linearizable(const std::vector<HistoryOp>& ops, const NaiveStore::Groups& before) {
  std::set<std::string> labels;
  for (const HistoryOp& op : ops) {
    if (op.kind != HistoryOp::Kind::kRead) labels.insert(label_text_of(op.key));
  }
  for (const std::string& label : labels) {
    std::vector<HistoryOp> of_group;
    for (const HistoryOp& op : ops) {
      if (op.kind == HistoryOp::Kind::kPush && !op.done) continue;
      if (op.kind == HistoryOp::Kind::kRead || label_text_of(op.key) == label) of_group.push_back(op);
    }
    const auto at = before.find(label);
    const size_t count = of_group.size();
    GroupSearch search(label, std::move(of_group));
    if (!search.search(all(count), at == before.end() ? GroupSearch::State() : GroupSearch::State(at->second))) {
      return label;
    }
  }
  return {};
}

}  // namespace sluice::store::testing
