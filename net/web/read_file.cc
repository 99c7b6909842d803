#include <fcntl.h>
#include <unistd.h>

#include <cctype>
#include <cerrno>
#include <cstring>

#include "net/web/web_config.h"

namespace sluice::net::web {
namespace {

constexpr size_t kFileBytesMax = 4 * 1024 * 1024;

// errno in Go's words, which are C's in lower case.
std::string complaint(const std::string& what, const std::string& path) {
  std::string text = std::strerror(errno);
  if (!text.empty()) text.front() = static_cast<char>(std::tolower(static_cast<unsigned char>(text.front())));
  return what + " " + path + ": " + text;
}

}  // namespace

Result<std::string, std::string> read_file(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return std::unexpected(complaint("open", path));
  std::string text;
  char piece[16 * 1024];
  ssize_t bytes = 0;
  while ((bytes = ::read(file, piece, sizeof piece)) > 0 || (bytes < 0 && errno == EINTR)) {
    if (bytes > 0) text.append(piece, static_cast<size_t>(bytes));
    if (text.size() > kFileBytesMax) break;
  }
  std::string wrong;
  if (bytes < 0) wrong = complaint("read", path);
  if (text.size() > kFileBytesMax) wrong = "read " + path + ": larger than 4 MiB";
  ::close(file);
  if (!wrong.empty()) return std::unexpected(wrong);
  return text;
}

}  // namespace sluice::net::web
