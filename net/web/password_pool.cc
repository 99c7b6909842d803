#include "net/web/password_pool.h"

#include <openssl/crypto.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <utility>

#include "core/base/check.h"

namespace sluice::net::web {

namespace {
// A tenth of a worker's share of a core when both want it.
constexpr int kNice = 10;
}  // namespace

PasswordPool::PasswordPool(const Options& options, Compare compare)
    : options_(options), compare_(std::move(compare)), known_(options.verdicts_kept) {
  for (unsigned i = 0; i < options.threads; ++i) threads_.emplace_back([this] { run(); });
}

PasswordPool::~PasswordPool() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

std::shared_ptr<Question> PasswordPool::ask(const Ask& ask) {
  const std::lock_guard lock(mutex_);
  if (const auto open = open_.find(ask.key); open != open_.end()) return open->second;
  if (const auto known = known_.find(ask.key)) {
    auto question = std::make_shared<Question>();
    question->verdict_.set(*known ? Question::Verdict::kRight : Question::Verdict::kWrong);
    return question;
  }
  size_t& of_address = per_address_[std::string(ask.address)];
  if (waiting_.size() >= options_.waiting_max || of_address >= options_.waiting_per_address_max) {
    if (of_address == 0) per_address_.erase(std::string(ask.address));
    return nullptr;
  }
  ++of_address;
  auto question = std::make_shared<Question>();
  question->key_ = ask.key;
  question->hash_ = ask.hash;
  question->password_ = ask.password;
  question->address_ = ask.address;
  question->may_be_right_ = ask.may_be_right;
  open_.emplace(ask.key, question);
  waiting_.push_back(question);
  changed_.notify_one();
  return question;
}

uint64_t PasswordPool::compared() const {
  const std::lock_guard lock(mutex_);
  return compared_;
}

void PasswordPool::run() {
  // Of this thread alone, on Linux. Without the right to it nothing is lost but the order of precedence.
  static_cast<void>(::setpriority(PRIO_PROCESS, static_cast<id_t>(::syscall(SYS_gettid)), kNice));
  for (;;) {
    std::shared_ptr<Question> question;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return ending_ || !waiting_.empty(); });
      if (ending_) return;
      question = std::move(waiting_.front());
      waiting_.pop_front();
      const auto of_address = per_address_.find(question->address_);
      SLUICE_CHECK(of_address != per_address_.end());
      if (--of_address->second == 0) per_address_.erase(of_address);
    }
    const bool right = compare_(question->password_, question->hash_) && question->may_be_right_;
    OPENSSL_cleanse(question->password_.data(), question->password_.size());
    {
      const std::lock_guard lock(mutex_);
      known_.put(question->key_, right);
      open_.erase(question->key_);
      ++compared_;
    }
    question->verdict_.set(right ? Question::Verdict::kRight : Question::Verdict::kWrong);
  }
}

}  // namespace sluice::net::web
