// fdatasync for the epoll backend, which has no way to wait for a disk: one helper thread, made on the first use.
//
// Threads: submit() and take() belong to the ring's owner; the helper calls fdatasync and then the wake function.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "net/ring/token.h"

namespace sluice::net::ring {

class SyncThread {
 public:
  struct Done {
    Token token;
    int result;  // 0 or a negative errno
  };

  explicit SyncThread(std::function<void()> wake);
  // Finishes what was submitted.
  ~SyncThread();
  SyncThread(const SyncThread&) = delete;
  SyncThread& operator=(const SyncThread&) = delete;

  void submit(int file, Token token);
  // Appends what is done to `done`.
  void take(std::vector<Done>& done);

 private:
  struct Job {
    int file;
    Token token;
  };
  void run();

  const std::function<void()> wake_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Job> jobs_;   // guarded by mutex_
  std::vector<Done> done_;  // guarded by mutex_
  bool ending_ = false;     // guarded by mutex_
  std::thread thread_;
};

}  // namespace sluice::net::ring
