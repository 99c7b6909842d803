#include "net/api/scrape.h"

#include <span>
#include <utility>
#include <vector>

#include "core/render/gzip_stage.h"
#include "core/render/protobuf_renderer.h"
#include "core/render/renderer.h"
#include "net/api/gateway.h"
#include "net/api/own_metrics.h"

namespace sluice::net::api {
namespace {

using Kind = ScrapeFormat::Kind;

std::unique_ptr<render::SnapshotSource> make_renderer(std::span<const store::Snapshot::Bucket> buckets,
                                                      Gateway& gateway, ScrapeFormat format, store::Part part) {
  std::vector<render::OwnFamily> own = own_families(gateway);
  // Their help and type stay: a push may have added series to one of ours.
  if (part.index != 0) {
    for (render::OwnFamily& family : own) family.lines.clear();
  }
  const auto note = [&gateway](const render::HelpConflict& conflict) { gateway.help_conflicts().note(conflict); };
  if (format.kind == Kind::kText) {
    return std::make_unique<render::Renderer>(buckets, std::move(own), format.escaping, note);
  }
  const render::ProtobufForm form = format.kind == Kind::kDelimited      ? render::ProtobufForm::kDelimited
                                    : format.kind == Kind::kProtobufText ? render::ProtobufForm::kText
                                                                         : render::ProtobufForm::kCompactText;
  return std::make_unique<render::ProtobufRenderer>(buckets, std::move(own), form, format.escaping, note);
}

}  // namespace

ScrapeSource::ScrapeSource(WorkerContext& context, ScrapeFormat format, bool gzip, store::Part part,
                           store::SnapshotRef snapshot)
    : context_(context), format_(format), gzip_(gzip), part_(part), snapshot_(std::move(snapshot)) {
  context_.metrics.scrapes.add(1);
  if (!snapshot_) request_.start(*context_.writer);
}

ScrapeSource::~ScrapeSource() = default;

bool ScrapeSource::prepare(Deadline deadline) {
  if (!snapshot_) {
    if (request_.step(deadline) != store::StepResult::kDone) return false;
    snapshot_ = request_.take();
  }
  std::span<const store::Snapshot::Bucket> buckets = snapshot_->buckets();
  if (!part_.is_whole()) {
    if (!part_buckets_.step(*snapshot_, part_, deadline)) return false;
    buckets = part_buckets_.buckets();
  }
  renderer_ = make_renderer(buckets, context_.gateway, format_, part_);
  if (gzip_) gzip_stage_ = std::make_unique<render::GzipStage>(*renderer_);
  return true;
}

http::BodySource::State ScrapeSource::produce(http::OutBuffer& out, Deadline deadline) {
  if (renderer_ == nullptr && !prepare(deadline)) return State::kMore;
  render::ByteSource& source = gzip_stage_ ? *gzip_stage_ : static_cast<render::ByteSource&>(*renderer_);
  size_t used = 0;
  const render::ByteSource::State state = source.produce(out.data + out.used, out.free_bytes(), used, deadline);
  out.used += used;
  context_.metrics.scrape_bytes.add(used);
  context_.metrics.fragments_left_out.add(renderer_->left_out() - left_out_);
  left_out_ = renderer_->left_out();
  return state == render::ByteSource::State::kDone ? State::kDone : State::kMore;
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
