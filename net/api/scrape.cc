#include "net/api/scrape.h"

#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/base/hash.h"
#include "core/base/limits.h"
#include "core/render/protobuf_renderer.h"
#include "core/render/renderer.h"
#include "net/api/gateway.h"
#include "net/api/own_metrics.h"
#include "net/api/process_metrics.h"

namespace sluice::net::api {
namespace {

using Kind = ScrapeFormat::Kind;
using render::FamilyShown;

std::unique_ptr<render::SnapshotSource> make_source(std::span<const store::Snapshot::Bucket> buckets, Gateway& gateway,
                                                    std::vector<render::OwnFamily> own, ScrapeFormat format,
                                                    FamilyShown shown) {
  const auto note = [&gateway](const render::HelpConflict& conflict) { gateway.help_conflicts().note(conflict); };
  if (format.kind == Kind::kText) {
    return std::make_unique<render::Renderer>(buckets, std::move(own), format.escaping, note, shown);
  }
  const render::ProtobufForm form = format.kind == Kind::kDelimited      ? render::ProtobufForm::kDelimited
                                    : format.kind == Kind::kProtobufText ? render::ProtobufForm::kText
                                                                         : render::ProtobufForm::kCompactText;
  return std::make_unique<render::ProtobufRenderer>(buckets, std::move(own), form, format.escaping, note, shown);
}

// What kept bodies depend on of our own families: their names, which not all appear from the start.
uint64_t hash_of_names(const std::vector<render::OwnFamily>& own) {
  std::string names;
  for (const render::OwnFamily& family : own) {
    names += family.name;
    names += '\n';
  }
  return stable_hash(names);
}

std::vector<render::OwnFamily> names_of(const std::vector<render::OwnFamily>& own) {
  std::vector<render::OwnFamily> names;
  names.reserve(own.size());
  for (const render::OwnFamily& family : own) names.push_back({family.name, {}, family.type, {}});
  return names;
}

}  // namespace

ScrapeSource::ScrapeSource(WorkerContext& context, ScrapeFormat format, bool gzip, store::Part part,
                           store::SnapshotRef snapshot)
    : context_(context), format_(format), gzip_(gzip), part_(part), snapshot_(std::move(snapshot)) {
  context_.metrics.scrapes.add(1);
}

ScrapeSource::~ScrapeSource() = default;

bool ScrapeSource::prepare(Deadline deadline) {
  switch (phase_) {
    case Phase::kFind:
      if (!find()) return false;
      if (phase_ == Phase::kRead) return true;
      request_.start(*context_.writer);
      phase_ = Phase::kSnapshot;
      [[fallthrough]];
    case Phase::kSnapshot:
      if (request_.step(deadline) != store::StepResult::kDone) return false;
      snapshot_ = request_.take();
      phase_ = Phase::kPart;
      [[fallthrough]];
    case Phase::kPart:
      if (!part_.is_whole()) {
        if (part_buckets_ == nullptr) part_buckets_ = std::make_shared<store::SnapshotPart>();
        if (!part_buckets_->step(*snapshot_, part_, deadline)) return false;
      }
      phase_ = Phase::kAcquire;
      [[fallthrough]];
    case Phase::kAcquire:
      return acquire();
    case Phase::kUsage:
    case Phase::kOwn:
    case Phase::kRead:
      break;
  }
  return true;
}

render::BodyKey ScrapeSource::key(uint64_t mutations) const {
  const auto form = static_cast<uint32_t>(format_.kind) << 8 | static_cast<uint32_t>(format_.escaping);
  return {.mutations = mutations, .own_names = 0, .form = form, .gzip = gzip_, .part = part_};
}

bool ScrapeSource::read_own(Deadline deadline) {
  if (phase_ == Phase::kUsage) {
    static_cast<void>(read_process_usage());  // kept for a moment: reading and writing them are a slice each
    phase_ = Phase::kOwn;
    if (deadline.passed()) return false;
  }
  if (phase_ != Phase::kOwn) return true;
  own_ = own_families(context_.gateway);
  // Their help and type stay: a push may have added series to one of ours.
  if (part_.index != 0) {
    for (render::OwnFamily& family : own_) family.lines.clear();
  }
  phase_ = snapshot_ ? Phase::kPart : Phase::kFind;
  return !deadline.passed();
}

std::span<const store::Snapshot::Bucket> ScrapeSource::buckets() const {
  return part_.is_whole() ? snapshot_->buckets() : part_buckets_->buckets();
}

bool ScrapeSource::find() {
  Gateway& gateway = context_.gateway;
  const std::optional<uint64_t> mutations = gateway.store().settled_mutations();
  if (!mutations) return true;
  render::BodyRef body;
  switch (gateway.scrape_cache().find(key(*mutations), body)) {
    case render::ScrapeCache::Found::kBusy:
      return false;
    case render::ScrapeCache::Found::kNo:
      return true;
    case render::ScrapeCache::Found::kYes:
      break;
  }
  // What is pushed under names of ours is in a snapshot only.
  if (body->left_to_own() || body->key().own_names != hash_of_names(own_)) return true;
  context_.metrics.scrape_cache_hits.add(1);
  reader_ = std::make_unique<render::BodyReader>(gateway.scrape_cache(), context_.scrape_helper, std::move(body),
                                                 make_source({}, gateway, std::move(own_), format_, FamilyShown::kOwn),
                                                 render::MakeSource());
  phase_ = Phase::kRead;
  return true;
}

bool ScrapeSource::acquire() {
  Gateway& gateway = context_.gateway;
  render::BodyKey body_key = key(snapshot_->mutations());
  body_key.own_names = hash_of_names(own_);
  // The buckets are the snapshot's, which every reader of the body holds, or those of the part, held here.
  const render::MakeSource make = [buckets = buckets(), held = part_buckets_, &gateway, names = names_of(own_),
                                   format = format_] {
    return make_source(buckets, gateway, names, format, FamilyShown::kPushed);
  };
  render::BodyRef body;
  render::CacheCounts counts;
  render::BodyPlan plan{.text_bytes = snapshot_->fragment_bytes() / part_.count};
  plan.helped = context_.call_help && plan.text_bytes >= limits::kScrapeHelpBytes;
  if (!gateway.scrape_cache().acquire(body_key, snapshot_->sequence(), plan, make, body, counts)) return false;
  count(counts);
  reader_ = std::make_unique<render::BodyReader>(
      gateway.scrape_cache(), context_.scrape_helper, std::move(body),
      make_source(buckets(), gateway, std::move(own_), format_, FamilyShown::kOwn), make);
  phase_ = Phase::kRead;
  return true;
}

void ScrapeSource::count(const render::CacheCounts& counts) {
  context_.metrics.count_scrape_cache(counts);
  if (counts.texts != 0 && context_.call_help) context_.call_help();
}

http::BodySource::State ScrapeSource::produce(http::OutBuffer& out, Deadline deadline) {
  if (reader_ == nullptr && !(read_own(deadline) && prepare(deadline))) return State::kMore;
  size_t used = 0;
  const render::ByteSource::State state = reader_->produce(out.data + out.used, out.free_bytes(), used, deadline);
  out.used += used;
  context_.metrics.scrape_bytes.add(used);
  count(reader_->take_counts());
  if (state != render::ByteSource::State::kDone) return State::kMore;
  context_.metrics.fragments_left_out.add(reader_->left_out());
  return State::kDone;
}

void begin_scrape(WorkerContext& context, const http::Request& request, http::Response& response, store::Part part,
                  store::SnapshotRef snapshot) {
  const ScrapeFormat format = negotiate_format(request.header("Accept"));
  const bool gzip = negotiate_gzip(request);
  response.status = 200;
  response.headers = "Content-Type: ";
  response.headers += content_type(format);
  response.headers += "\r\n";
  if (gzip) response.headers += "Content-Encoding: gzip\r\n";
  response.source = std::make_unique<ScrapeSource>(context, format, gzip, part, std::move(snapshot));
}

}  // namespace sluice::net::api
