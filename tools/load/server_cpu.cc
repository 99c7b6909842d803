#include "tools/load/server_cpu.h"

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace sluice::tools::load {

namespace {

std::optional<int64_t> from_stat(int pid) {
  std::ifstream stream(fmt::format("/proc/{}/stat", pid));
  std::string text;
  if (!std::getline(stream, text)) return std::nullopt;
  // The name in brackets may hold anything; fields are counted from behind it.
  const size_t bracket = text.rfind(')');
  if (bracket == std::string::npos) return std::nullopt;
  int64_t user = 0;
  int64_t system = 0;
  if (std::sscanf(text.c_str() + bracket + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %ld %ld", &user, &system) !=
      2) {
    return std::nullopt;
  }
  return (user + system) * (1'000'000'000 / sysconf(_SC_CLK_TCK));
}

}  // namespace

std::optional<int64_t> process_cpu_ns(int pid) {
  int64_t total = 0;
  bool any = false;
  std::error_code error;
  for (std::filesystem::directory_iterator task(fmt::format("/proc/{}/task", pid), error), end; !error && task != end;
       task.increment(error)) {
    std::ifstream stream(task->path() / "schedstat");
    int64_t ran = 0;
    if (stream >> ran) {
      total += ran;
      any = any || ran > 0;
    }
  }
  return any ? std::optional(total) : from_stat(pid);
}

std::optional<int64_t> process_resident_bytes(int pid) {
  std::ifstream stream(fmt::format("/proc/{}/statm", pid));
  int64_t size = 0;
  int64_t resident = 0;
  if (!(stream >> size >> resident)) return std::nullopt;
  return resident * sysconf(_SC_PAGESIZE);
}

}  // namespace sluice::tools::load
