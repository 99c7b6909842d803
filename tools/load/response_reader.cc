#include "tools/load/response_reader.h"

#include <strings.h>

#include <algorithm>
#include <charconv>

namespace sluice::tools::load {

namespace {

constexpr size_t kHeadMax = 64 * 1024;
constexpr std::string_view kHeadEnd = "\r\n\r\n";

bool same_text(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

std::string_view trimmed(std::string_view text) noexcept {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r')) text.remove_suffix(1);
  return text;
}

}  // namespace

void ResponseReader::restart() noexcept {
  state_ = State::kHead;
  kept_.clear();
  left_ = 0;
}

ResponseReader::Step ResponseReader::feed(std::string_view& bytes) {
  while (!bytes.empty()) {
    const Step step = state_ == State::kHead ? take_head(bytes) : take_body(bytes);
    if (step != Step::kMore) return step;
  }
  return Step::kMore;
}

ResponseReader::Step ResponseReader::closed() {
  if (state_ == State::kUntilClose) {
    restart();
    return Step::kDone;
  }
  return begun() ? Step::kError : Step::kMore;
}

ResponseReader::Step ResponseReader::take_head(std::string_view& bytes) {
  if (kept_.empty()) {
    const size_t end = bytes.find(kHeadEnd);
    if (end != std::string_view::npos) {
      const std::string_view head = bytes.substr(0, end);
      bytes.remove_prefix(end + kHeadEnd.size());
      return read_head(head);
    }
  }
  const size_t searched = kept_.size() < 3 ? 0 : kept_.size() - 3;
  const size_t had = kept_.size();
  kept_.append(bytes);
  const size_t end = kept_.find(kHeadEnd, searched);
  if (end == std::string::npos) {
    bytes = {};
    return kept_.size() > kHeadMax ? Step::kError : Step::kMore;
  }
  bytes.remove_prefix(end + kHeadEnd.size() - had);
  kept_.resize(end);
  const Step step = read_head(kept_);
  kept_.clear();
  return step;
}

ResponseReader::Step ResponseReader::read_head(std::string_view head) {
  if (!head.starts_with("HTTP/1.") || head.size() < 12) return Step::kError;
  const auto [rest, bad] = std::from_chars(head.data() + 9, head.data() + 12, status_);
  if (bad != std::errc() || rest != head.data() + 12 || status_ < 100) return Step::kError;
  closes_ = head[7] == '0';
  bool chunked = false;
  bool has_length = false;
  for (size_t at = head.find('\n'); at != std::string_view::npos; at = head.find('\n', at + 1)) {
    const std::string_view line = head.substr(at + 1, head.find('\n', at + 1) - at - 1);
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) return Step::kError;
    const std::string_view name = line.substr(0, colon);
    const std::string_view value = trimmed(line.substr(colon + 1));
    if (same_text(name, "content-length")) {
      const auto [end, status] = std::from_chars(value.data(), value.data() + value.size(), left_);
      if (status != std::errc() || end != value.data() + value.size()) return Step::kError;
      has_length = true;
    } else if (same_text(name, "transfer-encoding")) {
      chunked = same_text(value, "chunked");
    } else if (same_text(name, "connection")) {
      closes_ = closes_ || same_text(value, "close");
    }
  }
  if (status_ < 200) return Step::kMore;  // 100 Continue: the answer is yet to come
  if (status_ == 204 || status_ == 304 || (has_length && !chunked && left_ == 0)) return Step::kDone;
  state_ = chunked ? State::kChunkSize : has_length ? State::kLength : State::kUntilClose;
  closes_ = closes_ || state_ == State::kUntilClose;
  return Step::kMore;
}

void ResponseReader::hand_on(std::string_view& bytes) {
  const auto count = static_cast<size_t>(std::min<uint64_t>(left_, bytes.size()));
  if (sink_) sink_(bytes.substr(0, count));
  bytes.remove_prefix(count);
  left_ -= count;
}

// Collects a line in kept_; true when it is complete (without its end).
bool ResponseReader::take_line(std::string_view& bytes) {
  const size_t end = bytes.find('\n');
  kept_.append(bytes.substr(0, end));
  bytes.remove_prefix(end == std::string_view::npos ? bytes.size() : end + 1);
  if (end == std::string_view::npos) return false;
  if (!kept_.empty() && kept_.back() == '\r') kept_.pop_back();
  return true;
}

ResponseReader::Step ResponseReader::take_body(std::string_view& bytes) {
  switch (state_) {
    case State::kHead:
      return Step::kError;
    case State::kUntilClose:
      left_ = bytes.size();
      hand_on(bytes);
      return Step::kMore;
    case State::kLength:
    case State::kChunk:
      hand_on(bytes);
      if (left_ > 0) return Step::kMore;
      if (state_ == State::kLength) {
        state_ = State::kHead;
        return Step::kDone;
      }
      state_ = State::kChunkEnd;
      return Step::kMore;
    case State::kChunkSize: {
      if (!take_line(bytes)) return kept_.size() > kHeadMax ? Step::kError : Step::kMore;
      const auto [end, status] = std::from_chars(kept_.data(), kept_.data() + kept_.size(), left_, 16);
      const bool good = status == std::errc() && end != kept_.data();
      kept_.clear();
      state_ = left_ == 0 ? State::kTrailer : State::kChunk;
      return good ? Step::kMore : Step::kError;
    }
    case State::kChunkEnd:
    case State::kTrailer: {
      if (!take_line(bytes)) return kept_.size() > kHeadMax ? Step::kError : Step::kMore;
      const bool last = state_ == State::kTrailer && kept_.empty();
      if (state_ == State::kChunkEnd) state_ = State::kChunkSize;
      if (last) state_ = State::kHead;
      kept_.clear();
      return last ? Step::kDone : Step::kMore;
    }
  }
  return Step::kError;
}

}  // namespace sluice::tools::load
