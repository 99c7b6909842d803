#include "net/api/checked_scrape.h"

#include <utility>

#include "core/base/log.h"
#include "net/api/gateway.h"
#include "net/api/own_metrics.h"
#include "net/api/replies.h"
#include "net/api/scrape.h"

namespace sluice::net::api {

using StepAction = http::Handler::StepAction;

CheckedScrapeState::CheckedScrapeState(WorkerContext& context, store::Part part) : context_(context), part_(part) {
  request_.start(*context_.writer);
}

CheckedScrapeState::~CheckedScrapeState() = default;

StepAction CheckedScrapeState::step(http::Exchange& exchange, Deadline deadline) {
  if (!snapshot_) {
    const store::StepResult step = request_.step(deadline);
    if (step != store::StepResult::kDone) {
      return step == store::StepResult::kParked ? StepAction::kParked : StepAction::kAgain;
    }
    snapshot_ = request_.take();
    check_ = std::make_unique<ScrapeCheck>(snapshot_->buckets(), own_families(context_.gateway));
  }
  switch (check_->step(deadline)) {
    case ScrapeCheck::State::kMore:
      return StepAction::kAgain;
    case ScrapeCheck::State::kConsistent:
      begin_scrape(context_, exchange.request, exchange.response, part_, std::move(snapshot_));
      return StepAction::kDone;
    case ScrapeCheck::State::kInconsistent:
      break;
  }
  log::write(log::Level::kError, log::Reason::kScrape, "error gathering metrics", {{"err", check_->error()}});
  reply_error(exchange.response, 500, "An error has occurred while serving metrics:\n\n" + check_->error());
  return StepAction::kDone;
}

}  // namespace sluice::net::api
