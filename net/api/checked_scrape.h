// A scrape where pushes are not checked: 500 with the reason when what is stored is inconsistent, as in the reference.
#pragma once

#include <memory>

#include "core/store/snapshot.h"
#include "core/store/snapshot_part.h"
#include "net/api/group_requests.h"
#include "net/api/scrape_check.h"
#include "net/api/worker_context.h"

namespace sluice::net::api {

class CheckedScrapeState final : public RequestState {
 public:
  CheckedScrapeState(WorkerContext& context, store::Part part);
  ~CheckedScrapeState() override;
  CheckedScrapeState(const CheckedScrapeState&) = delete;
  CheckedScrapeState& operator=(const CheckedScrapeState&) = delete;

  [[nodiscard]] http::Handler::StepAction step(http::Exchange& exchange, Deadline deadline) override;

 private:
  WorkerContext& context_;
  OpenScrape open_{context_.metrics};
  store::Part part_;  // to be shown; the whole is checked
  store::SnapshotRequest request_;
  store::SnapshotRef snapshot_;
  std::unique_ptr<ScrapeCheck> check_;
};

}  // namespace sluice::net::api
