#include "net/http/request_parser.h"

#include <llhttp.h>

#include <algorithm>
#include <cstring>

#include "core/base/check.h"
#include "core/base/give_back.h"
#include "core/base/limits.h"
#include "net/http/ascii.h"
#include "net/http/head_repair.h"

namespace sluice::net::http {

namespace {

constexpr Refusal kBadRequest{400, {}};
// Leading line ends that old clients send after the body of a POST; Go's server drops up to this many.
constexpr size_t kLeadingLineEndBytes = 4;
// A split head's buffer is kept between requests up to this size: an ordinary head that happens to be split needs it
// again, a 64 KiB one is rare.
constexpr size_t kKeptHeadBytes = 4096;

static_assert(sizeof(llhttp_t) <= 128 && alignof(llhttp_t) <= 8);

llhttp_t* as_llhttp(std::byte* state) noexcept { return reinterpret_cast<llhttp_t*>(state); }

// The end of the head in `text` (the byte after its empty line), looking from `from` on; npos when it is not there.
size_t find_head_end(std::string_view text, size_t from) noexcept {
  while (true) {
    const size_t line_end = text.find('\n', from);
    if (line_end == std::string_view::npos) return line_end;
    const size_t next = line_end + 1;
    if (next < text.size() && text[next] == '\n') return next + 1;
    if (next + 1 < text.size() && text[next] == '\r' && text[next + 1] == '\n') return next + 2;
    from = next;
  }
}

}  // namespace

// Static functions with C++ linkage as C callbacks: the two linkages are one on every platform that this runs on.
struct RequestParser::Callbacks {
  static RequestParser& self(llhttp_t* state) noexcept { return *static_cast<RequestParser*>(state->data); }

  static int url(llhttp_t* state, const char* at, size_t length) noexcept {
    self(state).url_ = {at, length};
    return 0;
  }
  static int field(llhttp_t* state, const char* at, size_t length) noexcept {
    RequestParser& parser = self(state);
    if (parser.in_chunks_) {
      parser.trailer_name_.append({at, length});
    } else if (parser.request_ != nullptr) {
      // What is to be said about it is the slow path's.
      if (parser.request_->headers.size() == limits::kHeadFieldsMax) return -1;
      parser.request_->headers.push_back({{at, length}, {at + length, at + length}});
    }
    return 0;
  }
  static int value(llhttp_t* state, const char* at, size_t length) noexcept {
    RequestParser& parser = self(state);
    if (parser.request_ == nullptr) {
      // llhttp 9.x refuses such trailers, 8.1 only some of them.
      const NamePrefix& name = parser.trailer_name_;
      const bool bad = name.empty() || name.is("content-length") || name.is("transfer-encoding");
      return parser.in_chunks_ && bad ? -1 : 0;
    }
    Header& header = parser.request_->headers.back();
    // A second piece of one value in a head that lies in one piece is a folded line. So is a line end between the
    // colon and the value, which llhttp skips silently. (An empty value is reported behind its line.)
    if (!header.value.empty()) parser.folded_ = true;
    for (const char* c = header.name.data() + header.name.size(); length != 0 && c != at; ++c) {
      if (*c == '\n') parser.folded_ = true;
    }
    if (length == 0 && (*at == ' ' || *at == '\t')) parser.folded_ = true;
    header.value = {at, length};
    return 0;
  }
  static int value_complete(llhttp_t* state) noexcept {
    self(state).trailer_name_.clear();
    return 0;
  }
  static int headers_complete(llhttp_t* state) noexcept {
    state->upgrade = 0;  // this server upgrades nothing: what follows is a body or the next request
    return HPE_PAUSED;
  }
  static int body(llhttp_t* state, const char* at, size_t length) noexcept {
    RequestParser& parser = self(state);
    // The bytes are the caller's own, handed in as mutable.
    char* from = const_cast<char*>(at);
    if (parser.data_begin_ == nullptr) {
      parser.data_begin_ = from;
      parser.data_end_ = from;
    }
    parser.raw_end_ = from + length;
    if (parser.data_end_ != from) std::memmove(parser.data_end_, from, length);
    parser.data_end_ += length;
    return 0;
  }
  static int chunk_header(llhttp_t* state) noexcept {
    ++self(state).chunks_;
    // llhttp takes sizes up to 2^64 - 1; Go's limit, and the one of Content-Length, is 2^63 - 1.
    return state->content_length > static_cast<uint64_t>(INT64_MAX) ? -1 : 0;
  }
  static int message_complete(llhttp_t* /*state*/) noexcept { return HPE_PAUSED; }

  static const llhttp_settings_t* settings() noexcept {
    static const llhttp_settings_t kSettings = [] {
      llhttp_settings_t made;
      llhttp_settings_init(&made);
      made.on_url = url;
      made.on_header_field = field;
      made.on_header_value = value;
      made.on_header_value_complete = value_complete;
      made.on_headers_complete = headers_complete;
      made.on_body = body;
      made.on_chunk_header = chunk_header;
      made.on_message_complete = message_complete;
      return made;
    }();
    return &kSettings;
  }
};

RequestParser::RequestParser() noexcept { restart(); }

void RequestParser::restart() noexcept {
  llhttp_init(as_llhttp(llhttp_), HTTP_REQUEST, Callbacks::settings());
  as_llhttp(llhttp_)->data = this;
}

RequestParser::HeadResult RequestParser::refuse_head(Refusal refusal) noexcept {
  request_ = nullptr;
  return {Event::kRefused, 0, refusal};
}

RequestParser::HeadResult RequestParser::parse_head(std::string_view bytes, Request& request, Framing& framing) {
  if (head_done_) forget_head();
  if (!head_.empty()) return collect(bytes, request, framing);

  size_t skipped = 0;
  while (line_ends_allowed_ > 0 && skipped < bytes.size() && (bytes[skipped] == '\r' || bytes[skipped] == '\n')) {
    ++skipped;
    --line_ends_allowed_;
  }
  const std::string_view rest = bytes.substr(skipped);
  if (rest.empty()) return {Event::kNeedMore, bytes.size(), {}};
  if (const size_t repeated = repeat_head(rest, request, framing); repeated != 0) {
    return {.event = Event::kHead, .consumed = skipped + repeated, .refusal = {}, .repeated = true};
  }
  HeadResult result = parse_whole_head(rest, request, framing);
  if (result.event == Event::kNeedMore) result = collect(rest, request, framing);
  result.consumed += skipped;
  return result;
}

// A head that is not there as a whole: keeps what there is until the end of the head has come.
RequestParser::HeadResult RequestParser::collect(std::string_view bytes, Request& request, Framing& framing) {
  const size_t old_bytes = head_.size();
  SLUICE_DCHECK(old_bytes <= head_bytes_max_);
  head_.append(bytes.substr(0, head_bytes_max_ + 1 - old_bytes));
  const size_t end = find_head_end(head_, scanned_);
  if (end <= head_bytes_max_) {  // npos is beyond it
    head_.resize(end);
    head_done_ = true;
    head_is_own_ = true;
    HeadResult result{.event = Event::kHead, .consumed = 0, .refusal = {}, .repeated = true};
    if (repeat_head(head_, request, framing) == 0) result = parse_whole_head(head_, request, framing);
    SLUICE_DCHECK(result.event != Event::kNeedMore);
    result.consumed = end - old_bytes;
    return result;
  }
  if (const Refusal refusal = judge_start(old_bytes); refusal.status != 0) return refuse_head(refusal);
  // The last two bytes may be the beginning of the end.
  scanned_ = head_.size() < 2 ? 0 : head_.size() - 2;
  return {Event::kNeedMore, bytes.size(), {}};
}

// What can be said before the head is complete: a stream that is not HTTP gets its answer at once, not at the deadline.
// Gives the verdict that the whole head would get. `from`: bytes of head_ that earlier calls have seen.
Refusal RequestParser::judge_start(size_t from) noexcept {
  const bool too_long = head_.size() > head_bytes_max_;
  if (!line_judged_) {
    const size_t line_end = head_.find('\n', from);
    if (line_end == std::string::npos) {
      if (!ascii::is(head_[0], ascii::kToken)) return kBadRequest;
      return too_long ? Refusal{414, {}} : Refusal{};
    }
    std::string_view line(head_.data(), line_end);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (const auto parsed = parse_request_line(line); !parsed) return parsed.error();
    line_judged_ = true;
  }
  return too_long ? Refusal{431, {}} : Refusal{};
}

// The shortest path: the bytes of a head whose fields came before, 0 when there is no such head.
size_t RequestParser::repeat_head(std::string_view bytes, Request& request, Framing& framing) {
  if (templates_ == nullptr) return 0;
  bytes = bytes.substr(0, head_bytes_max_);
  const size_t line_end = bytes.find('\n');
  if (line_end == std::string_view::npos || line_end == 0 || bytes[line_end - 1] != '\r') return 0;
  HeadTemplate::Match match;
  const HeadTemplate* const found = templates_->find(bytes.substr(line_end + 1), match);
  if (found == nullptr) return 0;
  const auto line = parse_request_line(bytes.substr(0, line_end - 1));
  if (!line || !HeadTemplate::may_precede(*line)) return 0;
  found->fill(match, request, framing);
  accept_head(*line, framing, request);
  return line_end + 1 + match.bytes;
}

// A head that is there as a whole; kNeedMore: it is not. The fast path is one run of llhttp over the bytes where they
// lie.
RequestParser::HeadResult RequestParser::parse_whole_head(std::string_view bytes, Request& request, Framing& framing) {
  restart();
  request.headers.clear();
  request_ = &request;
  folded_ = false;
  const size_t length = std::min(bytes.size(), head_bytes_max_);
  const llhttp_errno_t error = llhttp_execute(as_llhttp(llhttp_), bytes.data(), length);
  request_ = nullptr;
  if (error == HPE_PAUSED) {
    const auto head_bytes = static_cast<size_t>(llhttp_get_error_pos(as_llhttp(llhttp_)) - bytes.data());
    const std::string_view head = bytes.substr(0, head_bytes);
    // llhttp 8.1 takes LF LF for the end of a head, 9.x does not.
    if (!head.ends_with("\r\n\r\n")) return repair(head, request, framing);
    const Refusal refusal = judge_fast(head, request, framing);
    if (refusal.status != 0) return refuse_head(refusal);
    // A tab beside `chunked` is enough for llhttp to see another encoding: show it the trimmed form.
    if (framing.chunked && (as_llhttp(llhttp_)->flags & F_CHUNKED) == 0) return repair(head, request, framing);
    llhttp_resume(as_llhttp(llhttp_));
    return {Event::kHead, head_bytes, {}};
  }
  // Also when llhttp asks for more: it takes the preface of HTTP/2 for longer than a head.
  const size_t head_bytes = find_head_end(bytes.substr(0, length), 0);
  if (head_bytes == std::string_view::npos) return {Event::kNeedMore, 0, {}};
  return repair(bytes.substr(0, head_bytes), request, framing);
}

// After llhttp's consent: what it does not look at, and the verdict over the fields. Status 0 is consent.
Refusal RequestParser::judge_fast(std::string_view head, Request& request, Framing& framing) {
  constexpr size_t kVersionBytes = 9;  // " HTTP/x.y"
  const auto line_bytes = static_cast<size_t>(url_.data() + url_.size() - head.data()) + kVersionBytes;
  if (folded_ || line_bytes > head.size()) return kBadRequest;
  const auto line = parse_request_line(head.substr(0, line_bytes));
  if (!line) return line.error();
  FieldRules rules;
  for (Header& header : request.headers) {
    if (header.name.empty()) return kBadRequest;  // llhttp 8.1 passes a line that begins with the colon
    header.value = ascii::trim(header.value);
    rules.add(header.name, header.value);
  }
  const auto judged = rules.judge(*line);
  if (!judged) return judged.error();
  framing = *judged;
  request.host = line->authority.empty() ? rules.host() : line->authority;
  accept_head(*line, framing, request);
  if (templates_ != nullptr) templates_->learn(head, line_bytes, *line, request, framing);
  return {};
}

void RequestParser::accept_head(const RequestLine& line, const Framing& framing, Request& request) noexcept {
  request.method = line.method;
  request.method_text = line.method_text;
  request.target = line.target;
  request.version_minor = line.version_minor == 0 ? 0 : 1;
  request.chunked = framing.chunked;
  request.content_length = framing.content_length;
  request.body = {};
  line_ends_allowed_ = line.method == Method::kPost ? kLeadingLineEndBytes : 0;
  excess_ = 0;
  last_of_chunks_ = 0;
  trailer_name_.clear();
}

// The slow path: see head_repair.h.
RequestParser::HeadResult RequestParser::repair(std::string_view head, Request& request, Framing& framing) {
  const auto repaired = repair_head(head, request, strict_);
  if (!repaired) return refuse_head(repaired.error());
  restart();
  const llhttp_errno_t error = llhttp_execute(as_llhttp(llhttp_), strict_.data(), strict_.size());
  if (error != HPE_PAUSED || llhttp_get_error_pos(as_llhttp(llhttp_)) != strict_.data() + strict_.size()) {
    return refuse_head(kBadRequest);
  }
  llhttp_resume(as_llhttp(llhttp_));
  framing = repaired->framing;
  accept_head(repaired->line, framing, request);
  return {Event::kHead, head.size(), {}};
}

RequestParser::ChunkResult RequestParser::read_chunked(std::span<char> bytes) {
  data_begin_ = nullptr;
  data_end_ = nullptr;
  raw_end_ = bytes.data();
  chunks_ = 0;
  in_chunks_ = true;
  const llhttp_errno_t error = llhttp_execute(as_llhttp(llhttp_), bytes.data(), bytes.size());
  in_chunks_ = false;
  ChunkResult result;
  if (data_begin_ != nullptr) result.data = {data_begin_, data_end_};
  const ChunkResult refused{ChunkEvent::kRefused, 0, result.data, kBadRequest};
  if (error == HPE_PAUSED) {
    result.event = ChunkEvent::kDone;
    result.consumed = static_cast<size_t>(llhttp_get_error_pos(as_llhttp(llhttp_)) - bytes.data());
    // llhttp 8.1 takes a lone LF for the last line.
    const char before_last = result.consumed >= 2 ? bytes[result.consumed - 2] : last_of_chunks_;
    if (before_last != '\r') return refused;
  } else if (error == HPE_OK) {
    result.consumed = bytes.size();
  } else {
    return refused;
  }
  if (has_folded_trailer(bytes.first(result.consumed))) return refused;
  if (result.consumed > 0) last_of_chunks_ = bytes[result.consumed - 1];
  excess_ += static_cast<int64_t>(result.consumed - result.data.size()) - kChunkLineBytes * chunks_;
  if (excess_ > kChunkExcessBytes) return refused;
  return result;
}

// Whether a line behind the last piece of data begins with a blank: a folded trailer, which llhttp 8.1 passes. (No
// chunk line begins so.)
bool RequestParser::has_folded_trailer(std::span<const char> consumed) const noexcept {
  char previous = raw_end_ == consumed.data() ? last_of_chunks_ : '\0';
  for (const char* c = raw_end_; c != consumed.data() + consumed.size(); ++c) {
    if (previous == '\n' && (*c == ' ' || *c == '\t')) return true;
    previous = *c;
  }
  return false;
}

void RequestParser::forget_head() noexcept {
  head_.clear();
  scanned_ = 0;
  head_done_ = false;
  head_is_own_ = false;
  line_judged_ = false;
}

void RequestParser::trim() noexcept {
  if (head_done_) forget_head();
  if (head_.empty()) give_back_above(head_, kKeptHeadBytes);
  give_back_above(strict_, kKeptHeadBytes);
}

void RequestParser::reset() noexcept {
  forget_head();
  line_ends_allowed_ = 0;
  trim();
}

}  // namespace sluice::net::http
