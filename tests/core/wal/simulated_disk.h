// A disk that fails, tears and forgets, by seed.
//
// What a process sees (the page cache) and what survives a power cut are kept apart. A write is durable after a sync of
// its file that succeeded; a creation, a rename and a removal after a sync of the directory. At a power cut of the rest
// some, all or nothing is kept, in sectors of 512 bytes and in any order, and a file may have grown by zeros before its
// content came. After a sync that failed, what it was to save stays in the page cache, and no later sync saves it, as
// on Linux.
//
// One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "core/wal/storage.h"

namespace sluice::wal::testing {

enum class DiskCall : uint8_t { kCreate, kWrite, kSync, kRename, kRemove, kSyncDirectory, kRead, kList };

class SimulatedDisk {
 public:
  explicit SimulatedDisk(uint64_t seed) : random_(seed) {}

  // The disk of one process; `this` outlives it. After a crash a new process opens it again.
  [[nodiscard]] std::unique_ptr<Storage> open();

  // Asked before every call, which fails with the number of errno that it returns, and is done if that is 0. A write
  // that fails has written some of its bytes.
  std::function<int(DiskCall call, const std::string& name)> fault;
  // A sector of these files cannot be read: where it begins.
  std::map<std::string, uint64_t> unreadable;
  // ENOSPC above it, of all files together.
  uint64_t bytes_max = UINT64_MAX;
  // Counts down with each call that changes something; at 0 the process is dead: this call is done in part or not at
  // all, and no later one changes anything.
  uint64_t calls_until_crash = UINT64_MAX;

  [[nodiscard]] bool crashed() const noexcept { return calls_until_crash == 0; }
  // Another process begins, on what the last one saw, or on what a power cut leaves of it.
  void restart_process();
  void power_cut();

  [[nodiscard]] uint64_t calls() const noexcept { return calls_; }
  [[nodiscard]] uint64_t boot() const noexcept { return boot_; }
  [[nodiscard]] uint64_t bytes() const;
  // Of a file as a process sees it: for damage by hand.
  [[nodiscard]] std::string* content(const std::string& name);

 private:
  friend class SimulatedFile;
  friend class SimulatedStorage;

  struct Write {
    uint64_t offset = 0;
    std::string bytes;
  };
  struct Inode {
    std::string seen;
    std::string durable;
    std::vector<Write> pending;
  };
  using InodeRef = std::shared_ptr<Inode>;
  struct Entry {  // a change of the directory that is not durable
    std::string removed;
    std::string added;
    InodeRef inode;
  };

  [[nodiscard]] uint64_t below(uint64_t bound) { return random_() % bound; }
  // Counts; the error of `fault`, or EIO behind the crash.
  [[nodiscard]] int enter(DiskCall call, const std::string& name, bool& crashes_now);
  [[nodiscard]] int write(Inode& inode, const std::string& name, uint64_t offset, std::string_view bytes);
  [[nodiscard]] int sync(Inode& inode, const std::string& name);
  void change_directory(Entry entry);
  void save_some(Inode& inode);
  void save_sectors(Inode& inode, const Write& write, uint64_t of_hundred);

  std::mt19937_64 random_;
  uint64_t calls_ = 0;
  uint64_t boot_ = 1;  // of the machine
  std::map<std::string, InodeRef> seen_;
  std::map<std::string, InodeRef> durable_;
  std::vector<Entry> pending_;
};

}  // namespace sluice::wal::testing
