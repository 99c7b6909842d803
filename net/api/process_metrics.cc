#include "net/api/process_metrics.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/clock.h"

namespace sluice::net::api {
namespace {

std::string read_file(const char* path) {
  std::string out;
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return out;
  char buffer[4096];
  ssize_t got = 0;
  while ((got = read(fd, buffer, sizeof buffer)) > 0) out.append(buffer, static_cast<size_t>(got));
  close(fd);
  return out;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const size_t at = text.find(separator);
    if (at != 0 && !text.empty()) parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

uint64_t number(std::string_view text) {
  uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// Seconds since the epoch at which the machine started.
double boot_time_seconds() {
  static const double value = [] {
    const std::string stat = read_file("/proc/stat");
    const size_t at = stat.find("btime ");
    return at == std::string::npos ? 0.0 : static_cast<double>(number(std::string_view(stat).substr(at + 6)));
  }();
  return value;
}

// Newer kernels give the number of descriptors as the directory's size; older ones must be counted.
uint64_t count_descriptors() {
  struct stat info{};
  if (stat("/proc/self/fd", &info) == 0 && info.st_size > 0) return static_cast<uint64_t>(info.st_size);
  DIR* directory = opendir("/proc/self/fd");
  if (directory == nullptr) return 0;
  uint64_t entries = 0;
  while (readdir(directory) != nullptr) ++entries;
  closedir(directory);
  return entries > 3 ? entries - 3 : 0;  // ".", ".." and the directory itself
}

void read_stat(ProcessUsage& usage) {
  const std::string stat = read_file("/proc/self/stat");
  const size_t close = stat.rfind(')');  // the command name may contain anything
  if (close == std::string::npos) return;
  const auto fields = split(std::string_view(stat).substr(close + 1), ' ');
  if (fields.size() < 22) return;
  // proc(5) counts from 1 and the first of these fields is its third.
  const auto field = [&](size_t in_manual) { return number(fields[in_manual - 3]); };
  const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  usage.cpu_seconds = static_cast<double>(field(14) + field(15)) / ticks;
  usage.start_time_seconds = boot_time_seconds() + static_cast<double>(field(22)) / ticks;
  usage.virtual_bytes = field(23);
  usage.resident_bytes = field(24) * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

void read_network(ProcessUsage& usage) {
  const std::string netstat = read_file("/proc/self/net/netstat");
  const auto lines = split(netstat, '\n');
  for (size_t i = 0; i + 1 < lines.size(); i += 2) {
    if (!lines[i].starts_with("IpExt:")) continue;
    const auto names = split(lines[i], ' ');
    const auto values = split(lines[i + 1], ' ');
    for (size_t k = 0; k < names.size() && k < values.size(); ++k) {
      if (names[k] == "InOctets") usage.network_receive_bytes = number(values[k]);
      if (names[k] == "OutOctets") usage.network_transmit_bytes = number(values[k]);
    }
  }
}

ProcessUsage read_now() {
  ProcessUsage usage;
  read_stat(usage);
  read_network(usage);
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) usage.max_fds = limit.rlim_cur;
  if (getrlimit(RLIMIT_AS, &limit) == 0) usage.virtual_bytes_max = limit.rlim_cur;
  usage.open_fds = count_descriptors();
  return usage;
}

}  // namespace

ProcessUsage read_process_usage() {
  constexpr int64_t kFreshNs = 100'000'000;
  struct Read {
    int64_t at_ns = INT64_MIN;
    ProcessUsage usage;
  };
  thread_local Read last;
  const int64_t now = monotonic_ns();
  if (last.at_ns == INT64_MIN || now - last.at_ns >= kFreshNs) last = {now, read_now()};
  return last.usage;
}

}  // namespace sluice::net::api
