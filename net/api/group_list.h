// GET /api/v1/groups: one page of the groups that a filter takes, in the order of a sort key.
//
// One walk of all groups for each page (core/store/group_walk.h): it keeps the first `limit` groups behind the cursor,
// in a heap, and counts what the filter takes. No snapshot, no table of all groups: memory is the page, and a cursor is
// the place of the last group of a page, valid for ever. A group whose sort key changes between two pages may be seen
// twice or not at all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/store/group_walk.h"
#include "net/api/group_filter.h"
#include "net/api/group_requests.h"
#include "net/api/reject_log.h"

namespace sluice::net::api {

enum class GroupSort : uint8_t { kKey, kLastPush, kLastFailure, kSeries, kBytes };

// Where a group stands in an order: by number, then by text, then by id. Only one of the first two is used: the text,
// the beginning of the key, by kKey.
struct GroupPlace {
  uint64_t number = 0;
  std::string text;
  uint64_t id = 0;

  friend auto operator<=>(const GroupPlace&, const GroupPlace&) = default;
};

struct GroupOrder {
  GroupSort sort = GroupSort::kKey;
  bool descending = false;

  [[nodiscard]] bool before(const GroupPlace& a, const GroupPlace& b) const noexcept {
    return descending ? b < a : a < b;
  }
  // True only for a group that does not stand before `bound`, as far as its job alone says so: what place() costs is
  // saved for nearly all groups of a long list.
  [[nodiscard]] bool surely_behind(const store::GroupView& group, const GroupPlace& bound) const noexcept;
  // Into `out`, whose memory is reused.
  void place(const store::GroupView& group, GroupPlace& out) const;
  [[nodiscard]] std::string cursor(const GroupPlace& place) const;
  [[nodiscard]] std::optional<GroupPlace> parse_cursor(std::string_view text) const;
};

struct GroupListRequest {
  GroupFilter filter;
  GroupOrder order;
  size_t limit = 0;
  std::optional<GroupPlace> after;

  // The error is the sentence of a 400.
  [[nodiscard]] static std::expected<GroupListRequest, std::string> parse(std::string_view target, int64_t now_ns);
};

class GroupListState final : public RequestState {
 public:
  GroupListState(WorkerContext& context, GroupListRequest request);
  [[nodiscard]] http::Handler::StepAction step(http::Exchange& exchange, Deadline deadline) override;

 private:
  enum class Phase : uint8_t { kWalk, kSort, kWrite };
  struct Listed {
    GroupPlace place;
    std::string key;
    uint64_t hash = 0;
    int64_t push_ns = 0, failure_ns = 0;
    uint64_t families = 0, series = 0, samples = 0, bytes = 0;
    bool failed = false;
  };

  void visit(const store::GroupView& group);
  void drop_last();
  // False: what is known of its failure cannot be had now.
  [[nodiscard]] bool write(const Listed& group);
  void write_end();

  WorkerContext& context_;
  GroupListRequest request_;
  store::GroupWalk walk_;
  store::GroupWalk::Visitor visitor_;
  Phase phase_ = Phase::kWalk;

  // A heap with the last one on top; from kSort on ever more of its end is in order.
  std::vector<std::unique_ptr<Listed>> page_;
  size_t key_bytes_ = 0;
  std::optional<GroupPlace> bound_;  // the first that had to leave: nothing from here on belongs to the page
  GroupPlace scratch_;
  size_t unsorted_ = 0;
  size_t written_ = 0;
  uint64_t total_ = 0, matched_ = 0, matched_failed_ = 0, matched_series_ = 0, matched_bytes_ = 0;
  std::string body_;
};

}  // namespace sluice::net::api
