#include "tests/core/wal/simulated_disk.h"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace sluice::wal::testing {
namespace {

constexpr uint64_t kSectorBytes = 512;

void put(std::string& into, uint64_t offset, std::string_view bytes) {
  if (into.size() < offset + bytes.size()) into.resize(offset + bytes.size(), '\0');
  std::ranges::copy(bytes, into.begin() + static_cast<std::ptrdiff_t>(offset));
}

class OwnedContent final : public Content {
 public:
  OwnedContent(std::string bytes, std::optional<uint64_t> unreadable) : bytes_(std::move(bytes)) {
    if (!unreadable || *unreadable >= bytes_.size()) return;
    unreadable_ = unreadable;
    const size_t zeros = std::min(kSectorBytes, bytes_.size() - *unreadable);
    bytes_.replace(*unreadable, zeros, zeros, '\0');
  }
  [[nodiscard]] std::string_view bytes() const noexcept override { return bytes_; }
  [[nodiscard]] std::optional<uint64_t> unreadable() const noexcept override { return unreadable_; }

 private:
  std::string bytes_;
  std::optional<uint64_t> unreadable_;
};

}  // namespace

class SimulatedFile final : public File {
 public:
  SimulatedFile(SimulatedDisk& disk, std::string name, SimulatedDisk::InodeRef inode)
      : disk_(disk), name_(std::move(name)), inode_(std::move(inode)) {}

  [[nodiscard]] int write_at(uint64_t offset, std::string_view bytes) noexcept override {
    return disk_.write(*inode_, name_, offset, bytes);
  }
  [[nodiscard]] int sync() noexcept override { return disk_.sync(*inode_, name_); }
  [[nodiscard]] int descriptor() const noexcept override { return -1; }

 private:
  SimulatedDisk& disk_;
  const std::string name_;
  const SimulatedDisk::InodeRef inode_;
};

class SimulatedStorage final : public Storage {
 public:
  explicit SimulatedStorage(SimulatedDisk& disk) : disk_(disk) {}

  [[nodiscard]] Result<std::unique_ptr<File>, int> create(const std::string& name) override {
    bool crashes = false;
    if (const int error = disk_.enter(DiskCall::kCreate, name, crashes); error != 0) return std::unexpected(error);
    if (disk_.seen_.contains(name)) return std::unexpected(EEXIST);
    auto inode = std::make_shared<SimulatedDisk::Inode>();
    disk_.change_directory({"", name, inode});
    if (crashes) return std::unexpected(EIO);
    return std::make_unique<SimulatedFile>(disk_, name, std::move(inode));
  }
  [[nodiscard]] Result<std::unique_ptr<Content>, int> read(const std::string& name) override {
    if (disk_.fault) {
      if (const int error = disk_.fault(DiskCall::kRead, name); error != 0) return std::unexpected(error);
    }
    const auto found = disk_.seen_.find(name);
    if (found == disk_.seen_.end()) return std::unexpected(ENOENT);
    const auto bad = disk_.unreadable.find(name);
    return std::make_unique<OwnedContent>(found->second->seen,
                                          bad == disk_.unreadable.end() ? std::nullopt : std::optional(bad->second));
  }
  [[nodiscard]] int sync(const std::string& name) override {
    const auto found = disk_.seen_.find(name);
    return found == disk_.seen_.end() ? ENOENT : disk_.sync(*found->second, name);
  }
  [[nodiscard]] int rename(const std::string& from, const std::string& to) override {
    bool crashes = false;
    if (const int error = disk_.enter(DiskCall::kRename, from, crashes); error != 0) return error;
    const auto found = disk_.seen_.find(from);
    if (found == disk_.seen_.end()) return ENOENT;
    disk_.change_directory({from, to, found->second});
    return crashes ? EIO : 0;
  }
  [[nodiscard]] int remove(const std::string& name) override {
    bool crashes = false;
    if (const int error = disk_.enter(DiskCall::kRemove, name, crashes); error != 0) return error;
    if (!disk_.seen_.contains(name)) return ENOENT;
    disk_.change_directory({name, "", nullptr});
    return crashes ? EIO : 0;
  }
  [[nodiscard]] int sync_directory() override {
    bool crashes = false;
    if (const int error = disk_.enter(DiskCall::kSyncDirectory, "", crashes); error != 0) return error;
    if (crashes) return EIO;
    disk_.durable_ = disk_.seen_;
    disk_.pending_.clear();
    return 0;
  }
  [[nodiscard]] Result<std::vector<DirectoryEntry>, int> list() override {
    if (disk_.fault) {
      if (const int error = disk_.fault(DiskCall::kList, ""); error != 0) return std::unexpected(error);
    }
    std::vector<DirectoryEntry> entries;
    for (const auto& [name, inode] : disk_.seen_) entries.push_back({name, inode->seen.size()});
    return entries;
  }
  [[nodiscard]] bool in_place() override { return true; }
  [[nodiscard]] uint64_t boot() const noexcept override { return disk_.boot_; }

 private:
  SimulatedDisk& disk_;
};

std::unique_ptr<Storage> SimulatedDisk::open() { return std::make_unique<SimulatedStorage>(*this); }

int SimulatedDisk::enter(DiskCall call, const std::string& name, bool& crashes_now) {
  if (crashed()) return EIO;
  ++calls_;
  if (calls_until_crash != UINT64_MAX && --calls_until_crash == 0) {
    // Done, but nobody hears of it; or not done.
    crashes_now = below(2) == 0;
    return crashes_now ? 0 : EIO;
  }
  return fault ? fault(call, name) : 0;
}

int SimulatedDisk::write(Inode& inode, const std::string& name, uint64_t offset, std::string_view bytes) {
  const bool dead = crashed();
  bool crashes = false;
  int error = enter(DiskCall::kWrite, name, crashes);
  if (dead) return error;
  if (crashes) error = EIO;
  if (const uint64_t used = this->bytes(); error == 0 && used + bytes.size() > bytes_max) {
    bytes = bytes.substr(0, bytes_max - std::min(bytes_max, used));
    error = ENOSPC;
  } else if (error != 0) {
    bytes = bytes.substr(0, below(bytes.size() + 1));
  }
  if (!bytes.empty()) {
    put(inode.seen, offset, bytes);
    inode.pending.push_back({offset, std::string(bytes)});
  }
  return error;
}

int SimulatedDisk::sync(Inode& inode, const std::string& name) {
  const bool dead = crashed();
  bool crashes = false;
  const int error = enter(DiskCall::kSync, name, crashes);
  if (dead) return error;
  if (error == 0) {
    for (const Write& write : inode.pending) put(inode.durable, write.offset, write.bytes);
  } else if (!crashed()) {
    save_some(inode);
  } else {
    return EIO;  // the power cut decides what is kept
  }
  inode.pending.clear();
  return crashes ? EIO : error;
}

void SimulatedDisk::change_directory(Entry entry) {
  if (!entry.removed.empty()) seen_.erase(entry.removed);
  if (entry.inode != nullptr) seen_[entry.added] = entry.inode;
  pending_.push_back(std::move(entry));
}

void SimulatedDisk::save_sectors(Inode& inode, const Write& write, uint64_t of_hundred) {
  for (uint64_t at = write.offset; at < write.offset + write.bytes.size();) {
    const uint64_t end = std::min((at / kSectorBytes + 1) * kSectorBytes, write.offset + write.bytes.size());
    if (below(100) < of_hundred) {
      put(inode.durable, at, std::string_view(write.bytes).substr(at - write.offset, end - at));
    }
    at = end;
  }
}

// Of what is not durable: nothing, a prefix, the last only, or any sectors; and zeros up to some length.
void SimulatedDisk::save_some(Inode& inode) {
  const std::vector<Write>& pending = inode.pending;
  if (pending.empty()) return;
  switch (below(5)) {
    case 0:
      break;
    case 1: {
      const uint64_t whole = below(pending.size() + 1);
      for (uint64_t i = 0; i < whole; ++i) put(inode.durable, pending[i].offset, pending[i].bytes);
      if (whole < pending.size()) {
        const Write& torn = pending[whole];
        put(inode.durable, torn.offset, std::string_view(torn.bytes).substr(0, below(torn.bytes.size() + 1)));
      }
      break;
    }
    case 2:
      put(inode.durable, pending.back().offset, pending.back().bytes);
      break;
    case 3:
      if (inode.durable.size() < inode.seen.size()) inode.durable.resize(inode.seen.size(), '\0');
      break;
    default: {
      const uint64_t of_hundred = below(101);
      for (const Write& write : pending) save_sectors(inode, write, of_hundred);
      break;
    }
  }
}

void SimulatedDisk::restart_process() { calls_until_crash = UINT64_MAX; }

void SimulatedDisk::power_cut() {
  ++boot_;
  const uint64_t of_hundred = below(3) * 50;
  for (const Entry& entry : pending_) {
    if (below(100) >= of_hundred) continue;
    if (!entry.removed.empty()) durable_.erase(entry.removed);
    if (entry.inode != nullptr) durable_[entry.added] = entry.inode;
  }
  pending_.clear();
  seen_ = durable_;
  for (const auto& [name, inode] : seen_) {
    save_some(*inode);
    inode->pending.clear();
    inode->seen = inode->durable;
  }
  calls_until_crash = UINT64_MAX;
}

uint64_t SimulatedDisk::bytes() const {
  uint64_t bytes = 0;
  for (const auto& [name, inode] : seen_) bytes += inode->seen.size();
  return bytes;
}

std::string* SimulatedDisk::content(const std::string& name) {
  const auto found = seen_.find(name);
  return found == seen_.end() ? nullptr : &found->second->seen;
}

}  // namespace sluice::wal::testing
