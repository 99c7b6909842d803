#include "tests/durability/disk_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>
#include <utility>

namespace sluice::testing {
namespace {

constexpr uint64_t kSectorBytes = 512;

double seconds() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

std::string parent_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == 0 ? "/" : path.substr(0, slash);
}

void put(std::string& into, uint64_t offset, std::string_view bytes) {
  if (bytes.empty()) return;
  if (into.size() < offset + bytes.size()) into.resize(offset + bytes.size());
  into.replace(offset, bytes.size(), bytes);
}

}  // namespace

std::optional<Pattern> pattern_of(std::string_view name) {
  constexpr std::array<std::string_view, 5> kNames = {"none", "all", "prefix", "sectors", "last"};
  const auto* const found = std::ranges::find(kNames, name);
  if (found == kNames.end()) return std::nullopt;
  return static_cast<Pattern>(found - kNames.begin());
}

DiskModel::DiskModel() {
  auto root = std::make_shared<Inode>();
  root->directory = true;
  now_["/"] = root;
  durable_["/"] = root;
}

// ---- Files and names
// -------------------------------------------------------------------------------------------------

int DiskModel::create(const std::string& path, bool directory, std::shared_ptr<Inode>& made) {
  const std::scoped_lock lock(mutex_);
  if (!begin_operation()) return EIO;
  int error = now_.contains(path) ? EEXIST : 0;
  if (error == 0 && bytes_ >= budget_) error = ENOSPC;
  note(seconds(), directory ? "mkdir" : "create", path, 0, error);
  if (error != 0) return error;
  made = std::make_shared<Inode>();
  made->directory = directory;
  now_[path] = made;
  pending_.push_back({path, {}, made});
  return 0;
}

std::shared_ptr<Inode> DiskModel::find(const std::string& path) {
  const std::scoped_lock lock(mutex_);
  const auto found = now_.find(path);
  return found == now_.end() ? nullptr : found->second;
}

int DiskModel::write(Inode& file, uint64_t offset, std::string_view bytes, size_t& done) {
  const std::scoped_lock lock(mutex_);
  if (!begin_operation()) return EIO;
  const uint64_t end = offset + bytes.size();
  const uint64_t grows = end > file.now.size() ? end - file.now.size() : 0;
  const uint64_t room = budget_ > bytes_ ? budget_ - bytes_ : 0;
  // What there is room for is written, as on a real disk.
  const uint64_t missing = grows > room ? grows - room : 0;
  const bool full = missing >= bytes.size();
  note(seconds(), "write", name_of(file), bytes.size(), full && !bytes.empty() ? ENOSPC : 0);
  if (full && !bytes.empty()) return ENOSPC;
  bytes.remove_suffix(missing);
  bytes_ += grows - missing;
  put(file.now, offset, bytes);
  file.pending.push_back({++writes_, offset, std::string(bytes)});
  done = bytes.size();
  return 0;
}

int DiskModel::truncate(Inode& file, uint64_t bytes) {
  const std::scoped_lock lock(mutex_);
  if (!begin_operation()) return EIO;
  bytes_ += bytes - file.now.size();
  file.now.resize(bytes);
  file.pending.push_back({++writes_, bytes, {}, true});
  note(seconds(), "truncate", name_of(file), bytes, 0);
  return 0;
}

int DiskModel::read(Inode& file, uint64_t offset, char* into, size_t& bytes) {
  const std::scoped_lock lock(mutex_);
  if (dead_) return EIO;
  bytes = offset < file.now.size() ? std::min(bytes, file.now.size() - offset) : 0;
  if (bytes != 0) std::memcpy(into, file.now.data() + offset, bytes);
  return 0;
}

uint64_t DiskModel::size(Inode& file) {
  const std::scoped_lock lock(mutex_);
  return file.now.size();
}

int DiskModel::rename(const std::string& from, const std::string& to) {
  const std::scoped_lock lock(mutex_);
  if (!begin_operation()) return EIO;
  const int error = now_.contains(from) ? 0 : ENOENT;
  note(seconds(), "rename", to, 0, error);
  if (error != 0) return error;
  if (const auto old = now_.find(to); old != now_.end()) bytes_ -= old->second->now.size();
  apply(pending_.emplace_back(from, to, nullptr), now_);
  return 0;
}

int DiskModel::remove(const std::string& path) {
  const std::scoped_lock lock(mutex_);
  if (!begin_operation()) return EIO;
  const auto found = now_.find(path);
  note(seconds(), "remove", path, 0, found == now_.end() ? ENOENT : 0);
  if (found == now_.end()) return ENOENT;
  bytes_ -= found->second->now.size();
  apply(pending_.emplace_back(path, std::string(), nullptr), now_);
  return 0;
}

std::vector<std::string> DiskModel::list(const std::string& directory) {
  const std::scoped_lock lock(mutex_);
  std::vector<std::string> names;
  for (const auto& [path, file] : now_) {
    if (path != "/" && parent_of(path) == directory) names.push_back(path.substr(path.rfind('/') + 1));
  }
  return names;
}

// ---- What is durable
// -------------------------------------------------------------------------------------------------

// Counts a sync and makes it wait; false when it fails.
bool DiskModel::may_sync(std::unique_lock<std::mutex>& lock, const std::string& name, int& error) {
  error = EIO;
  if (!begin_operation()) return false;
  if (++syncs_; failure_ && syncs_ == failure_->at) {
    error = failure_->error;
    held_ = failure_->hold;
    return false;
  }
  if (delay_us_ != 0) {
    const auto until =
        std::chrono::steady_clock::now() + std::chrono::microseconds(delays_() % static_cast<uint64_t>(delay_us_));
    released_.wait_until(lock, until, [this] { return dead_; });
  }
  const bool exempt = name.ends_with(not_held_);
  released_.wait(lock, [&] { return dead_ || held_ == Hold::kNone || (held_ == Hold::kOthers && exempt); });
  if (dead_) return false;
  error = 0;
  return true;
}

int DiskModel::sync(Inode& file) {
  std::unique_lock lock(mutex_);
  const double begin = seconds();
  const uint64_t until = writes_;
  int error = 0;
  const bool works = may_sync(lock, name_of(file), error);
  if (dead_) return EIO;
  note(begin, "sync", name_of(file), file.now.size(), error);
  size_t done = 0;
  for (; done < file.pending.size() && file.pending[done].number <= until; ++done) {
    if (works) apply(file.pending[done], file.durable);
  }
  file.pending.erase(file.pending.begin(), file.pending.begin() + static_cast<ptrdiff_t>(done));
  return error;
}

int DiskModel::sync_directory(const std::string& path) {
  std::unique_lock lock(mutex_);
  const double begin = seconds();
  int error = 0;
  const bool works = may_sync(lock, path, error);
  if (dead_) return EIO;
  note(begin, "syncdir", path, 0, error);
  std::erase_if(pending_, [&](const Change& change) {
    if (parent_of(change.path) != path) return false;
    if (works) apply(change, durable_);
    return true;
  });
  return error;
}

void DiskModel::apply(const Inode::Write& write, std::string& bytes) {
  if (write.cuts) {
    bytes.resize(write.offset);
  } else {
    put(bytes, write.offset, write.bytes);
  }
}

void DiskModel::apply(const Change& change, Names& names) {
  if (change.made != nullptr) {
    names[change.path] = change.made;
  } else if (change.target.empty()) {
    names.erase(change.path);
  } else if (auto moved = names.extract(change.path); moved) {
    names[change.target] = std::move(moved.mapped());
  }
}

// ---- Faults
// ----------------------------------------------------------------------------------------------------------

bool DiskModel::begin_operation() {
  if (cut_ && operations_ >= cut_->at) {
    const Cut cut = *std::exchange(cut_, std::nullopt);
    cut_now(cut.pattern, cut.seed);
  }
  ++operations_;
  return !dead_;
}

void DiskModel::cut(Pattern pattern, uint32_t seed) {
  const std::scoped_lock lock(mutex_);
  cut_now(pattern, seed);
}

void DiskModel::cut_at(uint64_t operations, Pattern pattern, uint32_t seed) {
  const std::scoped_lock lock(mutex_);
  cut_ = {operations_ + operations, pattern, seed};
}

// Of the names that were changed and not synced none, some or all have reached the disk.
void DiskModel::cut_now(Pattern pattern, uint32_t seed) {
  if (dead_) return;
  dead_ = true;
  note(seconds(), "cut", "/", operations_, 0);
  std::mt19937 random(seed);
  const uint32_t names = seed % 3;
  for (const Change& change : pending_) {
    if (names == 2 || (names == 1 && random() % 2 == 0)) apply(change, durable_);
  }
  pending_.clear();
  for (auto& [path, file] : durable_) tear(*file, pattern, random);
  released_.notify_all();
}

void DiskModel::tear(Inode& file, Pattern pattern, std::mt19937& random) {
  const auto& pending = file.pending;
  uint64_t bytes = 0;
  for (const auto& write : pending) bytes += write.bytes.size();
  uint64_t left = pattern == Pattern::kPrefix ? random() % (bytes + 1) : bytes;
  const uint64_t odd = random() % 2;
  for (const auto& write : pending) {
    if (pattern == Pattern::kNone || (pattern == Pattern::kLast && &write != &pending.back())) continue;
    if (write.cuts || pattern != Pattern::kSectors) {
      const uint64_t kept = std::min<uint64_t>(left, write.bytes.size());
      if (!write.cuts) put(file.durable, write.offset, std::string_view(write.bytes).substr(0, kept));
      if (write.cuts) file.durable.resize(write.offset);
      left -= kept;
      continue;
    }
    for (uint64_t at = 0; at < write.bytes.size();) {
      const uint64_t sector = (write.offset + at) / kSectorBytes;
      const uint64_t end = std::min<uint64_t>(write.bytes.size(), (sector + 1) * kSectorBytes - write.offset);
      if (sector % 2 == odd) put(file.durable, write.offset + at, std::string_view(write.bytes).substr(at, end - at));
      at = end;
    }
  }
  file.pending.clear();
  file.now = file.durable;
}

void DiskModel::revive() {
  const std::scoped_lock lock(mutex_);
  now_ = durable_;
  // A directory's name is lost with all that it holds.
  std::erase_if(now_, [this](const auto& entry) { return !durable_.contains(parent_of(entry.first)); });
  durable_ = now_;
  bytes_ = 0;
  for (const auto& [path, file] : now_) bytes_ += file->now.size();
  recover();
}

void DiskModel::recover() {
  cut_.reset();
  failure_.reset();
  held_ = Hold::kNone;
  dead_ = false;
}

void DiskModel::clear() {
  const std::scoped_lock lock(mutex_);
  for (Names* names : {&now_, &durable_}) std::erase_if(*names, [](const auto& entry) { return entry.first != "/"; });
  pending_.clear();
  log_.clear();
  bytes_ = 0;
  delay_us_ = 0;
  budget_ = UINT64_MAX;
  recover();
}

void DiskModel::fail_sync(uint64_t after, int error, Hold hold, std::string_view not_held) {
  const std::scoped_lock lock(mutex_);
  failure_ = {syncs_ + after + 1, error, hold};
  not_held_ = not_held;
}

void DiskModel::release() {
  const std::scoped_lock lock(mutex_);
  held_ = Hold::kNone;
  released_.notify_all();
}

void DiskModel::set_budget(uint64_t bytes) {
  const std::scoped_lock lock(mutex_);
  budget_ = bytes;
}

void DiskModel::set_delay(uint32_t microseconds) {
  const std::scoped_lock lock(mutex_);
  delay_us_ = microseconds;
}

std::string DiskModel::report() {
  const std::scoped_lock lock(mutex_);
  size_t pending = pending_.size();
  for (const auto& [path, file] : now_) pending += file->pending.size();
  return fmt::format("operations {}\nsyncs {}\nbytes {}\npending {}\ndead {}\n", operations_, syncs_, bytes_, pending,
                     dead_ ? 1 : 0) +
         std::exchange(log_, {});
}

void DiskModel::note(double begin, std::string_view kind, const std::string& name, uint64_t bytes, int result) {
  log_ += fmt::format("{:.6f} {} {} {} {} {:.6f}\n", seconds(), kind, name, bytes, result, begin);
}

std::string DiskModel::name_of(const Inode& file) const {
  for (const auto& [path, inode] : now_) {
    if (inode.get() == &file) return path;
  }
  return "-";
}

}  // namespace sluice::testing
