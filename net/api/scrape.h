// The body of a scrape: one that shows the present and is kept, or waits for a snapshot that begins after the request
// and renders it while it is being sent, shared with whoever asks for the same.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/render/body_reader.h"
#include "core/render/own_family.h"
#include "core/render/scrape_cache.h"
#include "core/store/snapshot.h"
#include "core/store/snapshot_part.h"
#include "net/api/negotiate.h"
#include "net/api/worker_context.h"
#include "net/http/exchange.h"

namespace sluice::net::api {

// Served from a body that is kept, if there is a complete one of the present state; else it holds a snapshot, and with
// it at most one version of every group, until the last byte is out or the client is gone.
class ScrapeSource final : public http::BodySource {
 public:
  // `snapshot`: one that the caller has; without it, one that begins now or shows the same.
  ScrapeSource(WorkerContext& context, ScrapeFormat format, bool gzip, store::Part part,
               store::SnapshotRef snapshot = {});
  ~ScrapeSource() override;
  ScrapeSource(const ScrapeSource&) = delete;
  ScrapeSource& operator=(const ScrapeSource&) = delete;

  [[nodiscard]] State produce(http::OutBuffer& out, Deadline deadline) override;

 private:
  enum class Phase : uint8_t { kUsage, kOwn, kFind, kSnapshot, kPart, kAcquire, kRead };

  // True once the reader stands.
  [[nodiscard]] bool prepare(Deadline deadline);
  // Looks for a complete body. False: busy.
  [[nodiscard]] bool find();
  [[nodiscard]] bool acquire();
  // False: the slice is over.
  [[nodiscard]] bool read_own(Deadline deadline);
  [[nodiscard]] std::span<const store::Snapshot::Bucket> buckets() const;
  [[nodiscard]] render::BodyKey key(uint64_t mutations) const;
  void count(const render::CacheCounts& counts);

  WorkerContext& context_;
  OpenScrape open_{context_.metrics};
  ScrapeFormat format_;
  bool gzip_;
  store::Part part_;
  Phase phase_ = Phase::kUsage;
  store::SnapshotRequest request_;
  std::vector<render::OwnFamily> own_;  // our own families, as they were when the scrape began
  store::SnapshotRef snapshot_;         // outlives the reader, whose sources read it
  std::shared_ptr<store::SnapshotPart> part_buckets_;
  std::unique_ptr<render::BodyReader> reader_;
};

// Makes `response` a scrape of `part` in the format that `request` negotiates.
void begin_scrape(WorkerContext& context, const http::Request& request, http::Response& response, store::Part part,
                  store::SnapshotRef snapshot = {});

}  // namespace sluice::net::api
