#include "net/api/replies.h"

#include <string>

namespace sluice::net::api {
namespace {

constexpr std::string_view kPlainText = "Content-Type: text/plain; charset=utf-8\r\n";
constexpr std::string_view kNoSniff = "X-Content-Type-Options: nosniff\r\n";

void escape_html(std::string& out, std::string_view text) {
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&#34;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
}

void reply_redirect(http::Response& response, const Route& route, http::Method method) {
  response.status = route.status;
  response.headers = "Location: " + route.location + "\r\n";
  if (method != http::Method::kGet && method != http::Method::kHead) return;
  response.headers.insert(0, "Content-Type: text/html; charset=utf-8\r\n");
  response.body = "<a href=\"";
  escape_html(response.body, route.location);
  response.body += route.status == 301 ? "\">Moved Permanently</a>.\n\n" : "\">Temporary Redirect</a>.\n\n";
}

}  // namespace

void reply_error(http::Response& response, int status, std::string_view text) {
  response.status = status;
  response.headers += kPlainText;
  response.headers += kNoSniff;
  response.body = text;
  response.body += '\n';
}

void reply_text(http::Response& response, int status, std::string_view text) {
  response.status = status;
  response.headers += kPlainText;
  response.body = text;
}

void reply_empty(http::Response& response, int status) { response.status = status; }

void reply_limit(http::Response& response, limits::Limit limit, const limits::Values& values) {
  const limits::Entry& entry = limits::entry_of(limit);
  // A second for what a scrape or a burst holds up; what is stored changes with somebody's DELETE.
  const bool passing =
      entry.status == 503 || limit == limits::Limit::kRequestsPerAddress || limit == limits::Limit::kPushesPerJob;
  if (entry.status == 429 || entry.status == 503)
    response.headers += passing ? "Retry-After: 1\r\n" : "Retry-After: 10\r\n";
  reply_error(response, entry.status,
              "the limit --limits." + std::string(entry.name) + "=" + std::to_string(values[limit]) + " is reached");
}

void reply_not_durable(http::Response& response) {
  response.headers += "Retry-After: 1\r\n";
  reply_error(response, 503, "the change cannot be made durable: the log cannot be written");
}

void reply_not_ready(http::Response& response) {
  response.headers += "Retry-After: 1\r\n";
  reply_error(response, 503, "the stored metrics are still being recovered");
}

void reply_route(http::Response& response, const Route& route, http::Method method) {
  switch (route.kind) {
    case Route::Kind::kRedirect:
      reply_redirect(response, route, method);
      return;
    case Route::Kind::kOptions:
      if (!route.allow.empty()) response.headers = "Allow: " + route.allow + "\r\n";
      response.status = 200;
      return;
    case Route::Kind::kMethodNotAllowed:
      response.headers = "Allow: " + route.allow + "\r\n";
      reply_error(response, 405, "Method Not Allowed");
      return;
    case Route::Kind::kServerWide:  // `*` with another method than OPTIONS
      reply_empty(response, 400);
      response.close = true;
      return;
    case Route::Kind::kBadPath:
      reply_error(response, 400, "400 Bad Request");
      return;
    case Route::Kind::kNotFound:
    case Route::Kind::kEndpoint:
      reply_error(response, 404, "404 page not found");
      return;
  }
}

}  // namespace sluice::net::api
