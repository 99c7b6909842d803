// The body of a scrape: waits for a snapshot that begins after the request, then renders it while it is being sent.
#pragma once

#include <memory>

#include "core/render/byte_source.h"
#include "core/render/snapshot_source.h"
#include "core/store/snapshot.h"
#include "core/store/snapshot_part.h"
#include "net/api/negotiate.h"
#include "net/api/worker_context.h"
#include "net/http/exchange.h"

namespace sluice::net::api {

// Holds the snapshot, and with it at most one version of every group, until the last byte is out or the client is gone.
class ScrapeSource final : public http::BodySource {
 public:
  // `snapshot`: one that the caller has; without it, one that begins now.
  ScrapeSource(WorkerContext& context, ScrapeFormat format, bool gzip, store::Part part,
               store::SnapshotRef snapshot = {});
  ~ScrapeSource() override;
  ScrapeSource(const ScrapeSource&) = delete;
  ScrapeSource& operator=(const ScrapeSource&) = delete;

  [[nodiscard]] State produce(http::OutBuffer& out, Deadline deadline) override;

 private:
  // True once the renderer stands.
  [[nodiscard]] bool prepare(Deadline deadline);

  WorkerContext& context_;
  ScrapeFormat format_;
  bool gzip_;
  store::Part part_;
  store::SnapshotRequest request_;
  store::SnapshotRef snapshot_;  // outlives the renderer, which reads it
  store::SnapshotPart part_buckets_;
  std::unique_ptr<render::SnapshotSource> renderer_;
  std::unique_ptr<render::ByteSource> gzip_stage_;
  uint64_t left_out_ = 0;  // counted so far
};

// Makes `response` a scrape of `part` in the format that `request` negotiates.
void begin_scrape(WorkerContext& context, const http::Request& request, http::Response& response, store::Part part,
                  store::SnapshotRef snapshot = {});

}  // namespace sluice::net::api
