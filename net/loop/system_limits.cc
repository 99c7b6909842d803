#include "net/loop/system_limits.h"

#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>

namespace sluice::net::loop {

namespace {

// v1 says "no limit" by the largest multiple of the page size; no machine has half of that.
constexpr uint64_t kHugeMemory = uint64_t{1} << 62;

std::string_view first_word(std::string_view text) noexcept {
  const size_t end = text.find_first_of(" \t\n");
  return text.substr(0, end);
}

// False when the whole word is not a number.
bool parse(std::string_view word, uint64_t& value) noexcept {
  const auto [stop, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  return error == std::errc() && stop == word.data() + word.size();
}

// True when the comma-separated list has this name; the empty list has the empty name.
bool names(std::string_view list, std::string_view name) noexcept {
  while (true) {
    const size_t comma = list.find(',');
    if (list.substr(0, comma) == name) return true;
    if (comma == std::string_view::npos) return false;
    list.remove_prefix(comma + 1);
  }
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Calls visit(folder) for the cgroup's folder and each above it up to the mount point: a limit further up binds as
// well. Inside a container the path is often of the host and not there; then the mount point itself is ours.
template <typename Visit>
void walk_up(const std::string& mount, std::string path, Visit visit) {
  while (true) {
    while (path.ends_with('/')) path.pop_back();
    visit(mount + path);
    if (path.empty()) return;
    path.resize(path.rfind('/'));
  }
}

void read_cgroups(const std::string& root, SystemLimits& limits) {
  const std::string groups = read_file(root + "/proc/self/cgroup");
  const auto quota = [&](double cpus) {
    if (cpus > 0 && (limits.cpu_quota == 0 || cpus < limits.cpu_quota)) limits.cpu_quota = cpus;
  };
  const auto memory = [&](const std::string& file) {
    limits.memory = std::min(limits.memory, memory_of(read_file(file)));
  };
  walk_up(root + "/sys/fs/cgroup", cgroup_path(groups, ""), [&](const std::string& folder) {
    quota(quota_of_v2(read_file(folder + "/cpu.max")));
    memory(folder + "/memory.max");
  });
  for (const char* mount : {"/sys/fs/cgroup/cpu", "/sys/fs/cgroup/cpu,cpuacct"}) {
    walk_up(root + mount, cgroup_path(groups, "cpu"), [&](const std::string& folder) {
      quota(quota_of_v1(read_file(folder + "/cpu.cfs_quota_us"), read_file(folder + "/cpu.cfs_period_us")));
    });
  }
  walk_up(root + "/sys/fs/cgroup/memory", cgroup_path(groups, "memory"),
          [&](const std::string& folder) { memory(folder + "/memory.limit_in_bytes"); });
}

uint64_t raise_files() noexcept {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return kNoLimit;
  if (limit.rlim_cur < limit.rlim_max) {
    const rlimit raised{limit.rlim_max, limit.rlim_max};
    if (setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
  }
  return limit.rlim_cur == RLIM_INFINITY ? kNoLimit : limit.rlim_cur;
}

}  // namespace

SystemLimits read_system(const std::string& root) {
  SystemLimits limits;
  // A mask larger than the fixed type belongs to a machine with over 1,024 CPUs; sysconf counts them as well.
  cpu_set_t mask;
  CPU_ZERO(&mask);
  if (sched_getaffinity(0, sizeof(mask), &mask) == 0 && CPU_COUNT(&mask) > 0) {
    limits.cpus = static_cast<uint32_t>(CPU_COUNT(&mask));
  } else {
    limits.cpus = static_cast<uint32_t>(std::max(1L, sysconf(_SC_NPROCESSORS_ONLN)));
  }
  limits.files = raise_files();
  rlimit memlock{};
  if (getrlimit(RLIMIT_MEMLOCK, &memlock) == 0 && memlock.rlim_cur != RLIM_INFINITY) limits.memlock = memlock.rlim_cur;
  const long pages = sysconf(_SC_PHYS_PAGES);
  const long page_bytes = sysconf(_SC_PAGESIZE);
  if (pages > 0 && page_bytes > 0) limits.memory = static_cast<uint64_t>(pages) * static_cast<uint64_t>(page_bytes);
  read_cgroups(root, limits);
  return limits;
}

double quota_of_v2(std::string_view cpu_max) noexcept {
  const std::string_view quota = first_word(cpu_max);
  if (quota.size() >= cpu_max.size()) return 0;
  return quota_of_v1(quota, cpu_max.substr(quota.size() + 1));
}

double quota_of_v1(std::string_view quota_us, std::string_view period_us) noexcept {
  uint64_t quota = 0;
  uint64_t period = 0;
  // "max" and v1's -1 are no numbers here: no quota.
  if (!parse(first_word(quota_us), quota) || !parse(first_word(period_us), period) || period == 0) return 0;
  return static_cast<double>(quota) / static_cast<double>(period);
}

uint64_t memory_of(std::string_view text) noexcept {
  uint64_t bytes = 0;
  if (!parse(first_word(text), bytes) || bytes >= kHugeMemory) return kNoLimit;
  return bytes;
}

std::string cgroup_path(std::string_view proc_self_cgroup, std::string_view controller) {
  // "4:cpu,cpuacct:/docker/abc", v2: "0::/system.slice/sluice.service".
  while (!proc_self_cgroup.empty()) {
    const size_t end = proc_self_cgroup.find('\n');
    const std::string_view line = proc_self_cgroup.substr(0, end);
    proc_self_cgroup = end == std::string_view::npos ? std::string_view() : proc_self_cgroup.substr(end + 1);
    const size_t first = line.find(':');
    const size_t second = first == std::string_view::npos ? first : line.find(':', first + 1);
    if (second == std::string_view::npos) continue;
    if (!names(line.substr(first + 1, second - first - 1), controller)) continue;
    const std::string_view path = line.substr(second + 1);
    // A path with ".." is outside of what this process may see (a cgroup namespace).
    if (path.find("..") != std::string_view::npos || !path.starts_with('/')) return "";
    return std::string(path);
  }
  return "";
}

}  // namespace sluice::net::loop
