#include "net/api/scrape.h"

#include "core/render/gzip_stage.h"
#include "net/api/gateway.h"
#include "net/api/own_metrics.h"

namespace sluice::net::api {
namespace {

render::NameEscaping escaping_of(Escaping escaping) {
  return escaping == Escaping::kAllowUtf8 ? render::NameEscaping::kNone : render::NameEscaping::kUnderscores;
}

}  // namespace

ScrapeSource::ScrapeSource(WorkerContext& context, Escaping escaping, bool gzip)
    : context_(context), escaping_(escaping), gzip_(gzip) {
  context_.metrics.scrapes.add(1);
  request_.start(*context_.writer);
}

ScrapeSource::~ScrapeSource() = default;

bool ScrapeSource::prepare(Deadline deadline) {
  if (request_.step(deadline) != store::StepResult::kDone) return false;
  snapshot_ = request_.take();
  renderer_ =
      std::make_unique<render::Renderer>(snapshot_->buckets(), own_families(context_.gateway), escaping_of(escaping_));
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

}  // namespace sluice::net::api
