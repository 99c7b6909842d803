#include "tools/load/http_client.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

namespace sluice::tools::load {

void HttpClient::disconnect() noexcept {
  if (socket_ >= 0) ::close(socket_);
  socket_ = -1;
}

std::string HttpClient::problem(const char* what, int error) const {
  return fmt::format("{} {}: {}", what, target_.host, error == 0 ? "the connection was closed" : std::strerror(error));
}

Result<int, std::string> HttpClient::request(std::string_view method, std::string_view path,
                                             const ResponseReader::BodySink& sink, const Content& content) {
  if (socket_ < 0) {
    socket_ = connect_and_wait(target_, timeout_ms_);
    if (socket_ < 0) return std::unexpected(problem("cannot connect to", -std::exchange(socket_, -1)));
  }
  // GET has no length; PUT and POST have one when it is 0, too.
  const bool has_length = method == "PUT" || method == "POST";
  const std::string length = has_length ? fmt::format("Content-Length: {}\r\n", content.body.size()) : "";
  const std::string head = fmt::format("{} {}{} HTTP/1.1\r\nHost: {}\r\nUser-Agent: sluice\r\n{}{}\r\n", method,
                                       target_.prefix, path, target_.host, length, content.fields);
  auto status = exchange({head, content.body}, sink);
  if (!status) disconnect();
  return status;
}

Result<int, std::string> HttpClient::exchange(std::initializer_list<std::string_view> request,
                                              const ResponseReader::BodySink& sink) {
  for (const std::string_view part : request) {
    for (size_t at = 0; at < part.size();) {
      const ssize_t sent = ::send(socket_, part.data() + at, part.size() - at, MSG_NOSIGNAL);
      if (sent < 0) return std::unexpected(problem("cannot send to", errno));
      at += static_cast<size_t>(sent);
    }
  }
  ResponseReader reader(sink);
  std::vector<char> buffer(256 * 1024);
  while (true) {
    const ssize_t got = ::recv(socket_, buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::unexpected(problem("cannot receive from", errno));
    std::string_view bytes(buffer.data(), static_cast<size_t>(got));
    const ResponseReader::Step step = got == 0 ? reader.closed() : reader.feed(bytes);
    if (step == ResponseReader::Step::kDone) {
      if (reader.closes()) disconnect();
      return reader.status();
    }
    if (step == ResponseReader::Step::kError || got == 0) return std::unexpected(problem("no complete answer from", 0));
  }
}

}  // namespace sluice::tools::load
