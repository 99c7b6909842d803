#include "net/api/group_list.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "core/base/clock.h"
#include "core/base/limits.h"
#include "net/api/api_answers.h"
#include "net/api/gateway.h"
#include "parser/json_write.h"

namespace sluice::net::api {
namespace {

using StepAction = http::Handler::StepAction;

constexpr std::array<std::string_view, 5> kSortNames = {"key", "last_push", "last_failure", "series", "bytes"};
// Of the key in a place: what stands behind them is in no order but that of the ids.
constexpr size_t kPlaceTextBytes = 128;
constexpr int kSortsPerCheck = 16;

void append_hex(std::string& out, std::string_view bytes) {
  for (const char c : bytes) {
    out += "0123456789abcdef"[static_cast<unsigned char>(c) >> 4];
    out += "0123456789abcdef"[static_cast<unsigned char>(c) & 15];
  }
}

bool parse_hex(std::string_view text, std::string& out) {
  if (text.size() % 2 != 0 || text.size() > 2 * kPlaceTextBytes) return false;
  for (out.clear(); !text.empty(); text.remove_prefix(2)) {
    unsigned value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + 2, value, 16);
    if (error != std::errc() || end != text.data() + 2) return false;
    out += static_cast<char>(value);
  }
  return true;
}

}  // namespace

// The job first, then the other labels: what people look for.
void GroupOrder::place(const store::GroupView& group, GroupPlace& out) const {
  const model::Version& version = group.version;
  out.id = group.stable_hash;
  out.number = 0;
  out.text.clear();
  switch (sort) {
    case GroupSort::kKey:
      for_each_label(group.key, [&](std::string_view name, std::string_view value) {
        if (name == "job") out.text = value.substr(0, kPlaceTextBytes);
      });
      for_each_label(group.key, [&](std::string_view name, std::string_view value) {
        if (name == "job" || out.text.size() >= kPlaceTextBytes) return;
        (out.text += '\0').append(name.substr(0, kPlaceTextBytes)) += '=';
        out.text += value.substr(0, kPlaceTextBytes);
      });
      if (out.text.size() > kPlaceTextBytes) out.text.resize(kPlaceTextBytes);
      break;
    case GroupSort::kLastPush:
      out.number = static_cast<uint64_t>(version.push_time_ns());
      break;
    case GroupSort::kLastFailure:
      out.number = static_cast<uint64_t>(version.push_failure_time_ns());
      break;
    case GroupSort::kSeries:
      out.number = version.series();
      break;
    case GroupSort::kBytes:
      out.number = version.fragment_bytes();
      break;
  }
}

bool GroupOrder::surely_behind(const store::GroupView& group, const GroupPlace& bound) const noexcept {
  if (sort != GroupSort::kKey) return false;
  std::string_view job;
  for_each_label(group.key, [&job](std::string_view name, std::string_view value) {
    if (name == "job") job = value;
  });
  const size_t common = std::min({job.size(), bound.text.size(), kPlaceTextBytes});
  const int compared = job.substr(0, common).compare(std::string_view(bound.text).substr(0, common));
  return descending ? compared < 0 : compared > 0;
}

std::string GroupOrder::cursor(const GroupPlace& place) const {
  std::string text = std::to_string(static_cast<int>(sort)) + (descending ? "d" : "a");
  append_id(text, place.id);
  append_id(text, place.number);
  append_hex(text, place.text);
  return text;
}

std::optional<GroupPlace> GroupOrder::parse_cursor(std::string_view text) const {
  constexpr size_t kIdBytes = 16;
  if (text.size() < 2 + 2 * kIdBytes || text[0] != '0' + static_cast<int>(sort)) return std::nullopt;
  if (text[1] != (descending ? 'd' : 'a')) return std::nullopt;
  GroupPlace place;
  const auto id = parse_id(text.substr(2, kIdBytes));
  const auto number = parse_id(text.substr(2 + kIdBytes, kIdBytes));
  if (!id || !number || !parse_hex(text.substr(2 + 2 * kIdBytes), place.text)) return std::nullopt;
  place.id = *id;
  place.number = *number;
  return place;
}

std::expected<GroupListRequest, std::string> GroupListRequest::parse(std::string_view target, int64_t now_ns) {
  const auto fields = parse_query(target);
  if (!fields) return std::unexpected(fields.error());
  GroupListRequest out;
  auto filter = GroupFilter::parse(*fields, now_ns);
  if (!filter) return std::unexpected(std::move(filter.error()));
  out.filter = std::move(*filter);
  out.limit = limits::kListedDefault;
  std::string_view order, cursor;
  for (const QueryField& field : *fields) {
    if (field.name == "sort") {
      const auto* found = std::ranges::find(kSortNames, field.value);
      if (found == kSortNames.end()) {
        return std::unexpected("The parameter sort is none of key, last_push, last_failure, series and bytes.");
      }
      out.order.sort = static_cast<GroupSort>(found - kSortNames.begin());
    } else if (field.name == "order") {
      order = field.value;
      if (order != "asc" && order != "desc") return std::unexpected("The parameter order is neither asc nor desc.");
    } else if (field.name == "limit") {
      const auto limit = parse_count(field.value, limits::kListedMax);
      if (!limit || *limit == 0) {
        return std::unexpected("The parameter limit is no number from 1 to " + std::to_string(limits::kListedMax) +
                               ".");
      }
      out.limit = *limit;
    } else if (field.name == "cursor") {
      cursor = field.value;
    }
  }
  out.order.descending = order.empty() ? out.order.sort != GroupSort::kKey : order == "desc";
  if (!cursor.empty()) {
    out.after = out.order.parse_cursor(cursor);
    if (!out.after) return std::unexpected("The cursor is not one of this order.");
  }
  return out;
}

GroupListState::GroupListState(WorkerContext& context, GroupListRequest request)
    : context_(context),
      request_(std::move(request)),
      visitor_([this](const store::GroupView& group) { visit(group); }) {
  walk_.start(*context_.writer, request_.filter.pace());
}

void GroupListState::visit(const store::GroupView& group) {
  ++total_;
  if (!request_.filter.takes(group)) return;
  const model::Version& version = group.version;
  ++matched_;
  matched_failed_ += is_failed(version) ? 1 : 0;
  matched_series_ += version.series();
  matched_bytes_ += version.fragment_bytes();
  const GroupOrder& order = request_.order;
  if (bound_ && order.surely_behind(group, *bound_)) return;
  order.place(group, scratch_);
  if (request_.after && !order.before(*request_.after, scratch_)) return;
  if (bound_ && !order.before(scratch_, *bound_)) return;
  auto listed = std::make_unique<Listed>();
  listed->place = scratch_;
  listed->key = group.key;
  listed->hash = group.hash;
  listed->push_ns = version.push_time_ns();
  listed->failure_ns = version.push_failure_time_ns();
  listed->families = version.shape().size();
  listed->series = version.series();
  listed->samples = version.samples();
  listed->bytes = version.fragment_bytes();
  listed->failed = is_failed(version);
  key_bytes_ += listed->key.size();
  page_.push_back(std::move(listed));
  const auto less = [&order](const auto& a, const auto& b) { return order.before(a->place, b->place); };
  std::ranges::push_heap(page_, less);
  while (page_.size() > request_.limit || (key_bytes_ > limits::kListedKeyBytesMax && page_.size() > 1)) drop_last();
}

void GroupListState::drop_last() {
  const GroupOrder& order = request_.order;
  std::ranges::pop_heap(page_, [&order](const auto& a, const auto& b) { return order.before(a->place, b->place); });
  key_bytes_ -= page_.back()->key.size();
  bound_ = std::move(page_.back()->place);
  page_.pop_back();
}

StepAction GroupListState::step(http::Exchange& exchange, Deadline deadline) {
  switch (phase_) {
    case Phase::kWalk:
      if (walk_.step(deadline, visitor_) != store::StepResult::kDone) return StepAction::kAgain;
      unsorted_ = page_.size();
      phase_ = Phase::kSort;
      [[fallthrough]];
    case Phase::kSort: {
      const GroupOrder& order = request_.order;
      const auto less = [&order](const auto& a, const auto& b) { return order.before(a->place, b->place); };
      while (unsorted_ > 1) {
        std::ranges::pop_heap(page_.begin(), page_.begin() + static_cast<std::ptrdiff_t>(unsorted_), less);
        --unsorted_;
        if (unsorted_ % kSortsPerCheck == 0 && deadline.passed()) return StepAction::kAgain;
      }
      body_ = R"({"status":"success","data":{"groups":[)";
      phase_ = Phase::kWrite;
      [[fallthrough]];
    }
    case Phase::kWrite:
      while (written_ != page_.size()) {
        if (!write(*page_[written_])) return StepAction::kParked;
        ++written_;
        if (deadline.passed()) return StepAction::kAgain;
      }
      break;
  }
  write_end();
  answer_json(context_, exchange, HandlerName::kApiGroups, 200, std::move(body_));
  return StepAction::kDone;
}

bool GroupListState::write(const Listed& group) {
  RejectLog::Detail detail;
  RejectLog::Found found = RejectLog::Found::kNo;
  if (group.failed) {
    found = context_.gateway.rejects().find(group.hash, group.failure_ns, detail);
    if (found == RejectLog::Found::kBusy) return false;
  }
  body_ += written_ == 0 ? "{\"id\":\"" : ",{\"id\":\"";
  append_id(body_, group.place.id);
  body_ += "\",\"labels\":";
  append_json_key(body_, group.key);
  body_ += ",\"last_push\":";
  append_json_time(body_, group.push_ns);
  body_ += ",\"last_failure\":";
  append_json_time(body_, group.failure_ns);
  body_ += group.failed ? ",\"failed\":true" : ",\"failed\":false";
  for (const auto& [name, value] : {std::pair{",\"families\":", group.families},
                                    {",\"series\":", group.series},
                                    {",\"samples\":", group.samples},
                                    {",\"bytes\":", group.bytes}}) {
    body_ += name;
    parser::append_json_uint(body_, value);
  }
  if (found == RejectLog::Found::kYes) {
    body_ += ",\"error\":";
    parser::append_json_string(body_, detail.reason);
    body_ += ",\"client\":";
    parser::append_json_string(body_, detail.client);
    body_ += ",\"content_type\":";
    parser::append_json_string(body_, detail.content_type);
  }
  body_ += '}';
  return true;
}

void GroupListState::write_end() {
  body_ += ']';
  for (const auto& [name, value] : {std::pair{",\"matched\":", matched_},
                                    {",\"matched_failed\":", matched_failed_},
                                    {",\"matched_series\":", matched_series_},
                                    {",\"matched_bytes\":", matched_bytes_},
                                    {",\"total\":", total_}}) {
    body_ += name;
    parser::append_json_uint(body_, value);
  }
  body_ += ",\"next\":";
  // Something had to leave the page, so something follows it.
  if (bound_ && !page_.empty()) {
    body_ += '"' + request_.order.cursor(page_.back()->place) + '"';
  } else {
    body_ += "null";
  }
  body_ += "}}";
}

}  // namespace sluice::net::api
