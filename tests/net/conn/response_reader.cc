#include "tests/net/conn/response_reader.h"

#include <algorithm>
#include <cstdlib>

namespace sluice::net::conn {
namespace {

// True when the body was read whole.
bool read_chunks(std::string_view& bytes, std::string& body) {
  while (true) {
    const size_t line = bytes.find("\r\n");
    if (line == std::string_view::npos) return false;
    const size_t size = std::strtoull(std::string(bytes.substr(0, line)).c_str(), nullptr, 16);
    if (bytes.size() < line + 2 + size + 2) return false;
    body += bytes.substr(line + 2, size);
    if (bytes.substr(line + 2 + size, 2) != "\r\n") return false;
    bytes.remove_prefix(line + 2 + size + 2);
    if (size == 0) return true;
  }
}

bool read_body(std::string_view& bytes, ReadResponse& response, bool closed) {
  const size_t length_at = response.head.find("Content-Length: ");
  if (response.head.find("Transfer-Encoding: chunked") != std::string::npos) return read_chunks(bytes, response.body);
  if (length_at == std::string::npos) {
    response.until_close = true;
    response.body = bytes;
    bytes = {};
    return closed;
  }
  const size_t length = std::strtoull(response.head.c_str() + length_at + 16, nullptr, 10);
  response.body = bytes.substr(0, length);
  bytes.remove_prefix(response.body.size());
  return response.body.size() == length;
}

}  // namespace

std::vector<int> ReadResponses::statuses() const {
  std::vector<int> all;
  for (const ReadResponse& response : responses) all.push_back(response.status);
  return all;
}

ReadResponses read_responses(std::string_view bytes, bool head_first, bool closed) {
  ReadResponses read;
  while (!bytes.empty()) {
    const size_t end = bytes.find("\r\n\r\n");
    if (end == std::string_view::npos || !bytes.starts_with("HTTP/1.")) break;
    ReadResponse& response = read.responses.emplace_back();
    response.head = bytes.substr(0, end + 2);
    response.status = std::atoi(response.head.c_str() + 9);
    bytes.remove_prefix(end + 4);
    if (response.status == 100 ||
        (head_first && read.responses.size() == 1 && response.head.find("Content-Length: ") != std::string::npos)) {
      response.complete = true;
    } else {
      response.complete = read_body(bytes, response, closed);
    }
    if (!response.complete) break;
  }
  read.rest = bytes;
  return read;
}

}  // namespace sluice::net::conn
