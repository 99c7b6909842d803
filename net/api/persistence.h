// --persistence.file: the state is read at start, written when it has changed and an interval has passed, and written
// a last time when the gateway ends.
//
// A thread of its own writes, through its own Writer, from a snapshot: no worker waits for the disk.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "core/base/result.h"
#include "core/render/own_family.h"
#include "core/store/store.h"
#include "core/sync/single_writer.h"

namespace sluice::net::api {

struct PersistenceOptions {
  std::string file;
  std::chrono::nanoseconds interval{};  // from the end of one write to the next; shorter ones than 100 ms become that
  bool consistency_check = true;
};

class Persistence {
 public:
  // `store` must allow a Writer more than its workers have.
  Persistence(store::Store& store, PersistenceOptions options);
  ~Persistence();
  Persistence(const Persistence&) = delete;
  Persistence& operator=(const Persistence&) = delete;

  // Reads the file, before the workers start. The error, one sentence, when it is not ours or damaged: then the gateway
  // must not start, and nothing is ever written.
  [[nodiscard]] Result<void, std::string> load();
  // After load().
  void start();
  // Ends the thread and writes a last time. After the workers have ended, so that all they acknowledged is written.
  [[nodiscard]] Result<void, std::string> finish();

  // What a scrape shows of it; any thread.
  void append(std::vector<render::OwnFamily>& families) const;
  [[nodiscard]] static std::vector<store::OwnFamily> names();

 private:
  void run();
  // Waits for the interval; false when it is time to end.
  [[nodiscard]] bool wait_interval() const;
  [[nodiscard]] Result<void, std::string> write(store::Writer& writer);

  store::Store& store_;
  PersistenceOptions options_;
  sync::SingleWriter<uint64_t> writes_;
  sync::SingleWriter<uint64_t> failures_;
  sync::SingleWriter<int64_t> last_success_ns_;  // wall clock; 0 for never
  std::thread thread_;
  int wake_ = -1;               // eventfd
  uint64_t written_stamp_ = 0;  // the state that the file holds, or a newer one
};

}  // namespace sluice::net::api
