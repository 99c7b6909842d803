#include "net/http/head_templates.h"

#include <algorithm>
#include <bit>
#include <string>
#include <utility>

#include "net/http/ascii.h"
#include "net/http/head_repair.h"

namespace sluice::net::http {
namespace {

// A template costs about as much as this many matches save.
constexpr uint32_t kHitsPaid = 8;
// Looks in a row that fail before a template is dropped: four for each of those that may have the same first bytes.
constexpr uint32_t kMissesMax = 4 * limits::kHeadTemplatesPerWorker;

constexpr uint64_t kFactor = 0x9e3779b97f4a7c15;

// Of the first kKeyBytes bytes, never 0. Not a hash that resists anybody: equal keys cost a look.
uint32_t key_of(std::string_view bytes) noexcept {
  return static_cast<uint32_t>(load_u64(bytes.data()) * kFactor >> 32) | 1;
}

// Whether this head was seen before is told by its fields' lengths alone, without that of Content-Length: a head that
// only looks as if costs a template that is of no use.
uint32_t sketch_of(const Request& request) noexcept {
  uint64_t sketch = request.headers.size();
  for (const Header& header : request.headers) {
    const bool is_length = header.name.size() == 14 && ascii::lower(header.name[8]) == 'l';
    sketch = (sketch + (header.name.size() << 32) + (is_length ? 0 : header.value.size())) * kFactor;
    sketch ^= sketch >> 29;
  }
  return static_cast<uint32_t>(sketch >> 32) | 1;
}

// Of the names of the fields, by their lengths and last letters.
uint32_t names_of(const Request& request) noexcept {
  uint64_t names = request.headers.size();
  for (const Header& header : request.headers) {
    const auto last = header.name.empty() ? '\0' : ascii::lower(header.name.back());
    names = (names + (header.name.size() << 8) + static_cast<unsigned char>(last)) * kFactor;
    names ^= names >> 29;
  }
  return static_cast<uint32_t>(names >> 32) | 1;
}

bool same_fields(const Request& a, const Request& b) noexcept {
  return a.host == b.host && std::equal(a.headers.begin(), a.headers.end(), b.headers.begin(), b.headers.end(),
                                        [](const Header& one, const Header& other) {
                                          return one.name == other.name && one.value == other.value;
                                        });
}

// Whether head_repair, which reads the head when llhttp does not know a byte of the target, says the same.
bool is_read_alike(std::string_view head, const Request& request, const Framing& framing) {
  Request again;
  std::string strict;
  const auto repaired = repair_head(head, again, strict);
  if (!repaired) return false;
  return same_fields(again, request) && repaired->framing.content_length == framing.content_length &&
         repaired->framing.chunked == framing.chunked && repaired->framing.keep_alive == framing.keep_alive &&
         repaired->framing.expect_continue == framing.expect_continue;
}

}  // namespace

const HeadTemplate* HeadTemplates::find(std::string_view bytes, HeadTemplate::Match& match) noexcept {
  if (bytes.size() < HeadTemplate::kKeyBytes) return nullptr;
  Slot& last = slots_[last_];
  if (last.fields != nullptr && last.fields->may_match(bytes)) {
    if (last.fields->match(bytes, match)) return last.hit();
    miss(last_);
  }
  return find_other(bytes, match);
}

// Among those that did not match last.
const HeadTemplate* HeadTemplates::find_other(std::string_view bytes, HeadTemplate::Match& match) noexcept {
  const uint32_t key = key_of(bytes);
  uint32_t same = 0;
  for (uint32_t index = 0; index < kSlots; ++index) same |= (keys_[index] == key ? 1u : 0u) << index;
  same &= ~(1u << last_);
  uint32_t before = kSlots;
  for (uint32_t looks = 1; same != 0 && looks < kLooksMax; same &= same - 1) {
    const auto index = static_cast<uint32_t>(std::countr_zero(same));
    if (!slots_[index].fields->may_match(bytes)) continue;
    ++looks;
    if (slots_[index].fields->match(bytes, match)) {
      // Earlier by one the next time.
      const bool earlier = before != kSlots && keys_[before] == key;
      if (earlier) std::swap(slots_[before], slots_[index]);
      last_ = earlier ? before : index;
      return slots_[last_].hit();
    }
    before = index;
    miss(index);
  }
  return nullptr;
}

const HeadTemplate* HeadTemplates::Slot::hit() noexcept {
  used = true;
  misses = 0;
  hits = std::min(hits + 1, kHitsPaid);
  return fields.get();
}

void HeadTemplates::miss(uint32_t index) noexcept {
  if (++slots_[index].misses == kMissesMax) drop(index);
}

void HeadTemplates::drop(uint32_t index) noexcept {
  Slot& slot = slots_[index];
  if (slot.fields == nullptr) return;
  if (slot.hits < kHitsPaid) {
    wait_longer();
  } else {
    wait_next_ /= 2;
  }
  slot = {};
  keys_[index] = 0;
}

void HeadTemplates::wait_longer() noexcept { wait_next_ = std::min(2 * wait_next_ + 1, limits::kHeadTemplateWaitMax); }

uint32_t HeadTemplates::victim() noexcept {
  for (uint32_t index = 0; index < kSlots; ++index) {
    if (keys_[index] == 0) return index;
  }
  // Whoever was used since the hand passed is passed over once.
  while (std::exchange(slots_[hand_].used, false)) hand_ = (hand_ + 1) % kSlots;
  return std::exchange(hand_, (hand_ + 1) % kSlots);
}

bool HeadTemplates::Recent::has(uint32_t number) const noexcept {
  bool found = false;  // without a branch, so that four are compared at once
  for (const uint32_t one : numbers) found |= one == number;
  return found;
}

bool HeadTemplates::Recent::note(uint32_t number) noexcept {
  const bool found = has(number);
  if (!found) numbers[at++ % kSeen] = number;
  return found;
}

void HeadTemplates::learn(std::string_view head, size_t line_bytes, const RequestLine& line, const Request& request,
                          const Framing& framing) {
  if (wait_ != 0) {
    --wait_;
    return;
  }
  if (framing.chunked || head.size() - line_bytes < 2 + HeadTemplate::kKeyBytes) return;
  if (!HeadTemplate::may_precede(line) || head.substr(line_bytes, 2) != "\r\n") return;
  const uint32_t names = names_of(request);
  if (unfit_.has(names) || !seen_.note(sketch_of(request))) return;
  const std::string_view fields = head.substr(line_bytes + 2);
  auto made = std::make_unique<HeadTemplate>();
  if (made->make(fields, request, framing) && is_read_alike(head, request, framing)) {
    put(key_of(fields), std::move(made));
  } else {
    static_cast<void>(unfit_.note(names));
    wait_longer();
  }
  wait_ = wait_next_;
}

void HeadTemplates::put(uint32_t key, std::unique_ptr<HeadTemplate> fields) noexcept {
  const uint32_t index = victim();
  drop(index);
  keys_[index] = key;
  slots_[index].fields = std::move(fields);
  // Before the others of its key, so that it is looked at; their order stays.
  uint32_t at = index;
  for (uint32_t before = index; before-- > 0;) {
    if (keys_[before] == key) std::swap(slots_[before], slots_[std::exchange(at, before)]);
  }
}

}  // namespace sluice::net::http
