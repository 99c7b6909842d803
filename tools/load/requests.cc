#include "tools/load/requests.h"

#include <fmt/format.h>

#include <iterator>

#include "core/base/go_float.h"

namespace sluice::tools::load {

Requests::Requests(const Options& options, const Body& body, const GroupNames& names, uint32_t thread, Groups& groups)
    : options_(options),
      body_(body),
      names_(names),
      thread_(thread),
      groups_(groups),
      popularity_(groups.size(), options.zipf),
      random_(options.seed * 1'000'003 + thread),
      before_path_(fmt::format(" {}/metrics/job/", options.target.prefix)),
      fields_(fmt::format(" HTTP/1.1\r\nHost: {}\r\nUser-Agent: sluice-load\r\n{}", options.target.host,
                          options.connection_per_push ? "Connection: close\r\n" : "")) {}

bool Requests::next_of_fill(Request& out) {
  if (fill_next_ == groups_.size()) return false;
  out = {RequestKind::kPush, fill_next_, groups_.begin_push(fill_next_)};
  ++fill_next_;
  return true;
}

Request Requests::next() {
  if (!fresh_.empty()) {
    const uint64_t slot = fresh_.back();
    fresh_.pop_back();
    return {RequestKind::kPush, slot, groups_.begin_push(slot)};
  }
  if (random_.chance(options_.invalid_percent)) return {RequestKind::kInvalid, 0, {}};
  if (anything_stored_ && random_.chance(options_.conflicting_percent)) return {RequestKind::kConflicting, 0, {}};
  Request out;
  if (random_.chance(options_.churn_percent) && next_of_churn(out)) return out;
  const uint64_t slot = pick_slot();
  const Mix& mix = options_.mix;
  if (mix.remove > 0 && random_.below(mix.total()) < mix.remove) {
    return {RequestKind::kDelete, slot, groups_.begin_delete(slot)};
  }
  return {RequestKind::kPush, slot, groups_.begin_push(slot)};
}

uint64_t Requests::pick_slot() {
  uint64_t slot = popularity_.pick(random_);
  // A group that is just being retired is left alone; its neighbour is as good. There are more groups than requests in
  // flight when there is churn, so one is found.
  while (groups_.retiring(slot)) slot = (slot + 1) % groups_.size();
  return slot;
}

// The oldest group that nothing is in flight for; a few busy ones are passed over.
bool Requests::next_of_churn(Request& out) {
  for (int tried = 0; tried < 16; ++tried) {
    const uint64_t slot = churn_next_;
    churn_next_ = (churn_next_ + 1) % groups_.size();
    if (!groups_.quiet(slot)) continue;
    out = {RequestKind::kRetire, slot, groups_.begin_retire(slot)};
    return true;
  }
  return false;
}

void Requests::write(const Request& request, std::string& out) {
  const uint64_t number = names_.number_of({thread_, request.slot, groups_.generation(request.slot)});
  switch (request.kind) {
    case RequestKind::kDelete:
    case RequestKind::kRetire:
      fmt::format_to(std::back_inserter(out), "DELETE{}{}/instance/{}{}{}\r\n", before_path_, names_.job(),
                     GroupNames::kPrefix, number, fields_);
      return;
    case RequestKind::kPush: {
      body_bytes_.clear();
      body_.append(body_bytes_, request.operation.sequence);
      // POST and PUT end alike, since every push brings the same families; which one, the share of each decides.
      const bool put = options_.mix.put > 0 && random_.below(options_.mix.put + options_.mix.post) < options_.mix.put;
      write_body(out, put ? "PUT" : "POST", names_.job(), number, body_bytes_);
      return;
    }
    case RequestKind::kInvalid:
      write_body(out, "POST", names_.job() + "_bad", thread_, "load_invalid{ 1\n");
      return;
    case RequestKind::kConflicting:
      // Of a type that the family never has in the bodies, in a group of its own.
      write_body(out, "POST", names_.job() + "_bad", thread_,
                 fmt::format("# TYPE {0} summary\n{0}{{quantile=\"0.5\"}} 1\n", body_.first_family()));
      return;
  }
}

void Requests::write_body(std::string& out, const char* method, std::string_view job, uint64_t number,
                          std::string_view body) {
  const bool bad = body.data() != body_bytes_.data();
  if (options_.gzip) {
    compress_gzip(body, packed_);
    body = packed_;
  }
  char digits[kUint64BytesMax];
  out.append(method).append(before_path_).append(job).append("/instance/").append(GroupNames::kPrefix);
  out.append(digits, format_uint64(number, digits)).append(fields_).append("Content-Type: ");
  out.append(bad ? "text/plain; version=0.0.4" : body_.content_type());
  if (options_.gzip) out.append("\r\nContent-Encoding: gzip");
  out.append("\r\nContent-Length: ").append(digits, format_uint64(body.size(), digits)).append("\r\n\r\n").append(body);
}

void Requests::acknowledged(const Request& request) {
  if (is_bad(request)) return;
  groups_.acknowledged(request.slot, request.operation);
  if (request.kind == RequestKind::kRetire) fresh_.push_back(request.slot);
  if (request.kind == RequestKind::kPush) anything_stored_ = true;
}

void Requests::refused(const Request& request) {
  if (!is_bad(request)) groups_.refused(request.slot, request.operation);
}

void Requests::unknown(const Request& request) {
  if (!is_bad(request)) groups_.unknown(request.slot);
}

}  // namespace sluice::tools::load
