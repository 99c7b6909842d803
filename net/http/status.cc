#include "net/http/status.h"

#include <charconv>

namespace sluice::net::http {

std::string_view reason_phrase(int status) noexcept {
  switch (status) {
    case 100:
      return "Continue";
    case 200:
      return "OK";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 301:
      return "Moved Permanently";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 408:
      return "Request Timeout";
    case 413:
      return "Request Entity Too Large";
    case 414:
      return "Request URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return {};
  }
}

void append_refusal(std::string& out, const Refusal& refusal) {
  char digits[8];
  const auto end = std::to_chars(digits, digits + sizeof digits, refusal.status);
  std::string text(digits, end.ptr);
  text += ' ';
  text += reason_phrase(refusal.status);
  // Go keeps the value of an unsupported transfer encoding out of the answer and has a text of its own for it.
  const bool own_text = refusal.status == 501;
  if (!refusal.detail.empty() && !own_text) {
    text += ": ";
    text += refusal.detail;
  }
  out += "HTTP/1.1 ";
  out += text;
  out += "\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n";
  if (refusal.status == 503) out += "Retry-After: 1\r\n";
  out += "\r\n";
  out += own_text && !refusal.detail.empty() ? refusal.detail : std::string_view(text);
}

}  // namespace sluice::net::http
