// How the limits of machine and container become sizes, and how their files are read.
#include "net/loop/sizing.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bit>
#include <filesystem>
#include <fstream>
#include <string>

namespace sluice::net::loop {
namespace {

ring::Capabilities uring() { return {.backend = ring::Backend::kIoUring, .features = {}, .sentence = "io_uring"}; }
ring::Capabilities epoll() { return {.backend = ring::Backend::kEpoll, .features = {}, .sentence = "epoll, because"}; }

constexpr uint64_t kGiB = uint64_t{1} << 30;

TEST(Sizing, AWorkerForEachCpuAtMostTheQuotaRoundedUp) {
  const auto workers = [](uint32_t cpus, double quota, uint32_t flag = 0) {
    return size_for({.cpus = cpus, .cpu_quota = quota}, uring(), flag).workers;
  };
  EXPECT_EQ(workers(8, 0), 8u);
  EXPECT_EQ(workers(8, 0.5), 1u);
  EXPECT_EQ(workers(8, 1.0), 1u);
  EXPECT_EQ(workers(8, 2.5), 3u);
  EXPECT_EQ(workers(2, 16), 2u);
  EXPECT_EQ(workers(8, 2, 5), 5u) << "the flag decides";
  EXPECT_EQ(workers(1000, 0), 240u);
  EXPECT_EQ(workers(8, 0, 1000), 240u);
}

TEST(Sizing, FewerConnectionsWhereTheFlagSaysSo) {
  const auto max = [](uint32_t workers, uint64_t flag) {
    return size_for({.cpus = workers, .files = 1024}, uring(), 0, flag).connections_max;
  };
  EXPECT_EQ(max(1, 4), 5u) << "one more, which makes an idle one go";
  EXPECT_EQ(max(2, 4), 3u);
  EXPECT_EQ(max(2, 5), 4u);
  EXPECT_EQ(max(1, 1'000'000), max(1, 0));
}

TEST(Sizing, ConnectionsFitTheDescriptors) {
  const auto max = [](uint32_t workers, uint64_t files) {
    return size_for({.cpus = workers, .files = files}, uring(), 0).connections_max;
  };
  EXPECT_EQ(max(1, 256), 256u - 40);
  EXPECT_EQ(max(2, 20'000), (20'000u - 48) / 2);
  EXPECT_EQ(max(1, 32), 8u) << "a few, whatever the limit";
  for (const uint64_t files : {64, 128, 256, 1024, 65'536}) {
    for (const uint32_t workers : {1u, 2u, 4u}) EXPECT_LE(max(workers, files) * workers, files) << files;
  }
}

TEST(Sizing, FewDescriptorsMakeFewWorkers) {
  const Sizes many = size_for({.cpus = 64, .files = 256}, uring(), 0);
  EXPECT_EQ(many.workers, 14u);
  EXPECT_NE(many.sentence.find("14 workers (64 CPUs in the affinity mask, cut to RLIMIT_NOFILE 256)"),
            std::string::npos)
      << many.sentence;
  EXPECT_EQ(size_for({.cpus = 64, .files = 256}, uring(), 100).workers, 14u) << "the flag cannot make descriptors";
  EXPECT_EQ(size_for({.cpus = 64, .files = 1024}, uring(), 0).workers, 62u);
  EXPECT_EQ(size_for({.cpus = 64, .files = 20'000}, uring(), 0).workers, 64u);
  EXPECT_EQ(size_for({.cpus = 4, .files = 16}, uring(), 0).workers, 1u);
  for (uint64_t files = 64; files < 4096; ++files) {
    const Sizes s = size_for({.cpus = 240, .files = files}, uring(), 0);
    // A ring, an eventfd and a listener each, and what the process has open besides.
    EXPECT_LE(s.workers * (s.connections_max + 3ull) + 16, files) << s.workers << " x " << s.connections_max;
  }
}

TEST(Sizing, ConnectionsAndBuffersFitTheMemory) {
  const Sizes small = size_for({.cpus = 2, .memory = 64 << 20}, uring(), 0);
  EXPECT_LE(small.connections_max * 2ull * 20'480, (64u << 20) / 4);
  EXPECT_LE(small.ring.buffers * 2ull * small.ring.buffer_bytes, (64u << 20) / 32);
  const Sizes large = size_for({.cpus = 2, .memory = 64 * kGiB}, uring(), 0);
  EXPECT_EQ(large.ring.buffers, 1024u);
  EXPECT_EQ(large.connections_max, 419'430u);
}

TEST(Sizing, RingsFitTheLockedMemoryOnIoUringOnly) {
  const SystemLimits tight{.cpus = 2, .memlock = 64 << 10};
  const Sizes cut = size_for(tight, uring(), 0);
  EXPECT_EQ(cut.ring.submissions, 64u);
  EXPECT_NE(cut.sentence.find("RLIMIT_MEMLOCK 64 KiB"), std::string::npos) << cut.sentence;
  EXPECT_EQ(cut.ring.buffers, 256u);
  for (const uint64_t memlock : {64ull << 10, 256ull << 10, 1ull << 20, 8ull << 20}) {
    for (const uint32_t cpus : {1u, 2u, 4u, 16u}) {
      const ring::RingOptions ring = size_for({.cpus = cpus, .memlock = memlock}, uring(), 0).ring;
      const uint64_t charge = 68ull * ring.submissions + 256 + 64ull * ring.submissions + 16ull * ring.buffers;
      const bool least = ring.submissions == 64 && ring.buffers == 16;
      EXPECT_TRUE(charge * cpus <= memlock / 2 || least) << cpus << " of " << memlock;
    }
  }
  const Sizes usual = size_for({.cpus = 2, .memlock = 8 << 20}, uring(), 0);
  EXPECT_EQ(usual.ring.submissions, 1024u);
  EXPECT_EQ(usual.ring.buffers, 1024u);
  EXPECT_EQ(usual.sentence.find("MEMLOCK"), std::string::npos);
  const Sizes uncut = size_for(tight, epoll(), 0);
  EXPECT_EQ(uncut.ring.buffers, 1024u);
  EXPECT_EQ(uncut.sentence.find("MEMLOCK"), std::string::npos);
}

TEST(Sizing, SizesAreWhatARingAccepts) {
  for (const uint64_t memlock : {0ull, 4096ull, 65'536ull, 1ull << 20, 8ull << 20, ~0ull}) {
    for (const uint64_t memory : {1ull << 20, 16ull << 20, 256ull << 20, 4ull << 30, ~0ull}) {
      for (const uint32_t cpus : {1u, 2u, 7u, 240u}) {
        const Sizes s = size_for({.cpus = cpus, .memlock = memlock, .memory = memory}, uring(), 0);
        EXPECT_TRUE(std::has_single_bit(s.ring.buffers) && s.ring.buffers <= 32'768);
        EXPECT_TRUE(std::has_single_bit(s.ring.submissions) && s.ring.completions == 4 * s.ring.submissions);
        EXPECT_GE(s.connections_max, 8u);
      }
    }
  }
}

TEST(Sizing, TheSentenceSaysWhatAndWhy) {
  EXPECT_EQ(
      size_for({.cpus = 4, .cpu_quota = 0.5, .files = 256}, epoll(), 0).sentence,
      "backend epoll, because; 1 worker (CPU quota 0.5), each with up to 216 connections (RLIMIT_NOFILE 256), 1024 "
      "receive buffers of 8 KiB and 1024 submissions");
}

TEST(SystemLimits, ReadsQuotas) {
  EXPECT_DOUBLE_EQ(quota_of_v2("50000 100000\n"), 0.5);
  EXPECT_DOUBLE_EQ(quota_of_v2("max 100000\n"), 0);
  EXPECT_DOUBLE_EQ(quota_of_v2(""), 0);
  EXPECT_DOUBLE_EQ(quota_of_v2("50000"), 0);
  EXPECT_DOUBLE_EQ(quota_of_v1("250000\n", "100000\n"), 2.5);
  EXPECT_DOUBLE_EQ(quota_of_v1("-1\n", "100000\n"), 0);
  EXPECT_DOUBLE_EQ(quota_of_v1("100000", "0"), 0);
}

TEST(SystemLimits, ReadsMemory) {
  EXPECT_EQ(memory_of("max\n"), kNoLimit);
  EXPECT_EQ(memory_of("536870912\n"), 536'870'912u);
  EXPECT_EQ(memory_of("9223372036854771712\n"), kNoLimit);
  EXPECT_EQ(memory_of(""), kNoLimit);
}

TEST(SystemLimits, FindsItsCgroup) {
  const char* const v1 = "12:cpu,cpuacct:/docker/abc\n5:memory:/docker/def\n0::/x\n";
  EXPECT_EQ(cgroup_path(v1, "cpu"), "/docker/abc");
  EXPECT_EQ(cgroup_path(v1, "memory"), "/docker/def");
  EXPECT_EQ(cgroup_path(v1, ""), "/x");
  EXPECT_EQ(cgroup_path(v1, "cpuset"), "");
  EXPECT_EQ(cgroup_path("0::/../sibling\n", ""), "");
  EXPECT_EQ(cgroup_path("garbage", ""), "");
}

class FakeRoot {
 public:
  FakeRoot() : path_(testing::TempDir() + "sluice_root_" + std::to_string(getpid())) {}
  ~FakeRoot() { std::filesystem::remove_all(path_); }
  void file(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories(std::filesystem::path(path_ + name).parent_path());
    std::ofstream(path_ + name) << text;
  }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

TEST(SystemLimits, ALimitOfAnOuterCgroupBindsToo) {
  const FakeRoot root;
  root.file("/proc/self/cgroup", "0::/system.slice/sluice.service\n");
  root.file("/sys/fs/cgroup/system.slice/cpu.max", "150000 100000\n");
  root.file("/sys/fs/cgroup/system.slice/sluice.service/cpu.max", "max 100000\n");
  root.file("/sys/fs/cgroup/system.slice/memory.max", "1048576\n");
  root.file("/sys/fs/cgroup/system.slice/sluice.service/memory.max", "2097152\n");
  const SystemLimits limits = read_system(root.path());
  EXPECT_DOUBLE_EQ(limits.cpu_quota, 1.5);
  EXPECT_EQ(limits.memory, 1'048'576u);
}

TEST(SystemLimits, ReadsV1AndContainersThatSeeTheirOwnRoot) {
  const FakeRoot root;
  root.file("/proc/self/cgroup", "3:cpu,cpuacct:/docker/abc\n2:memory:/docker/abc\n");
  root.file("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "50000\n");
  root.file("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
  root.file("/sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes", "4194304\n");
  const SystemLimits limits = read_system(root.path());
  EXPECT_DOUBLE_EQ(limits.cpu_quota, 0.5);
  EXPECT_EQ(limits.memory, 4'194'304u);
}

TEST(SystemLimits, RaisesTheSoftDescriptorLimitToTheHardOne) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const rlimit low{64, 256};
    if (setrlimit(RLIMIT_NOFILE, &low) != 0) _exit(1);
    if (read_system("/nowhere").files != 256) _exit(2);
    rlimit now{};
    getrlimit(RLIMIT_NOFILE, &now);
    _exit(now.rlim_cur == 256 ? 0 : 3);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(SystemLimits, ThisMachineHasSome) {
  const SystemLimits limits = read_system();
  EXPECT_GE(limits.cpus, 1u);
  EXPECT_GT(limits.files, 0u);
  EXPECT_GT(limits.memory, 1u << 20);
}

}  // namespace
}  // namespace sluice::net::loop
