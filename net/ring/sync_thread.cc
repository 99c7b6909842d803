#include "net/ring/sync_thread.h"

#include <unistd.h>

#include <cerrno>
#include <utility>

namespace sluice::net::ring {

SyncThread::SyncThread(std::function<void()> wake) : wake_(std::move(wake)), thread_([this] { run(); }) {}

SyncThread::~SyncThread() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void SyncThread::submit(int file, Token token) {
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back({file, token});
  }
  changed_.notify_one();
}

void SyncThread::take(std::vector<Done>& done) {
  const std::lock_guard lock(mutex_);
  done.insert(done.end(), done_.begin(), done_.end());
  done_.clear();
}

void SyncThread::run() {
  std::vector<Job> jobs;
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return ending_ || !jobs_.empty(); });
      if (jobs_.empty()) return;
      jobs.swap(jobs_);
    }
    for (const Job& job : jobs) {
      const int result = ::fdatasync(job.file) == 0 ? 0 : -errno;
      {
        const std::lock_guard lock(mutex_);
        done_.push_back({job.token, result});
      }
      wake_();
    }
    jobs.clear();
  }
}

}  // namespace sluice::net::ring
