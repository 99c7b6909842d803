#include "net/api/reject_log.h"

#include <algorithm>

#include "core/base/hash.h"

namespace sluice::net::api {
namespace {

// At most so many bytes, no character cut.
std::string cut(std::string_view text, size_t bytes_max) {
  if (text.size() > bytes_max) {
    text = text.substr(0, bytes_max);
    while (!text.empty() && (static_cast<unsigned char>(text.back()) & 0xc0) == 0x80) text.remove_suffix(1);
    if (!text.empty() && (static_cast<unsigned char>(text.back()) & 0x80) != 0) text.remove_suffix(1);
  }
  return std::string(text);
}

}  // namespace

RejectLog::RejectLog(size_t details_max) : details_max_(details_max) {
  recent_.reserve(limits::kRecentRejectsMax);
  details_.reserve(details_max);
  detail_of_.reserve(details_max);
}

RejectLog::Noted RejectLog::note(const RejectedPush& push) {
  const std::unique_lock lock(lock_, std::try_to_lock);
  if (!lock.owns_lock()) return {.missed = 1};
  note_recent(push);
  return {.evicted = push.sets_failure_time ? note_detail(push) : 0};
}

void RejectLog::note_recent(const RejectedPush& push) {
  // A key that is too long to be kept is left out; the reason names what was wrong with it.
  const std::string_view key = push.key.size() <= limits::kRejectTextBytesMax ? push.key : std::string_view();
  std::string common;
  for (const std::string_view part : {key, push.path, push.method, push.reason}) {
    common += part.substr(0, limits::kRejectTextBytesMax);
    common += '\0';
  }
  common += std::to_string(push.status);
  const uint64_t hash = keyed_hash(common);
  auto place = std::ranges::find(recent_, hash, &Recent::hash);
  if (place == recent_.end()) {
    if (recent_.size() < limits::kRecentRejectsMax) {
      place = recent_.emplace(recent_.end());
    } else {
      place = std::ranges::min_element(recent_, {}, &Recent::time_ns);
      *place = Recent();
    }
    place->hash = hash;
    place->status = push.status;
    place->method = push.method;
    place->key = key;
    place->path = cut(push.path, limits::kRejectTextBytesMax);
    place->reason = cut(push.reason, limits::kRejectTextBytesMax);
  }
  place->time_ns = push.time_ns;
  place->client = push.client;
  ++place->count;
}

uint64_t RejectLog::note_detail(const RejectedPush& push) {
  if (details_max_ == 0) return 1;
  uint64_t evicted = 0;
  const auto [entry, is_new] = detail_of_.try_emplace(push.key_hash, static_cast<uint32_t>(next_detail_));
  if (is_new) {
    if (details_.size() < details_max_) {
      details_.emplace_back();
    } else {
      detail_of_.erase(details_[next_detail_].key_hash);
      evicted = 1;
    }
    next_detail_ = (next_detail_ + 1) % details_max_;
  }
  Detail& detail = details_[entry->second];
  detail.time_ns = push.time_ns;
  detail.key_hash = push.key_hash;
  detail.client = push.client;
  detail.content_type = cut(push.content_type, limits::kRejectContentTypeBytesMax);
  detail.reason = cut(push.reason, limits::kRejectTextBytesMax);
  return evicted;
}

RejectLog::Found RejectLog::find(uint64_t key_hash, int64_t failure_ns, Detail& out) {
  const std::unique_lock lock(lock_, std::try_to_lock);
  if (!lock.owns_lock()) return Found::kBusy;
  const auto entry = detail_of_.find(key_hash);
  if (entry == detail_of_.end() || details_[entry->second].time_ns != failure_ns) return Found::kNo;
  out = details_[entry->second];
  return Found::kYes;
}

bool RejectLog::recent(std::vector<Recent>& out) {
  {
    const std::unique_lock lock(lock_, std::try_to_lock);
    if (!lock.owns_lock()) return false;
    out = recent_;
  }
  std::ranges::sort(out, std::ranges::greater(), &Recent::time_ns);
  return true;
}

}  // namespace sluice::net::api
