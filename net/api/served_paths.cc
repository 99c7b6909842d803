#include "net/api/served_paths.h"

#include "net/api/replies.h"

namespace sluice::net::api {

bool is_served(Serves serves, const Route& route, http::Method method) noexcept {
  if (serves == Serves::kAll || route.kind != Route::Kind::kEndpoint) return true;
  switch (route.endpoint) {
    case Endpoint::kHealthy:
    case Endpoint::kReady:
      return true;
    case Endpoint::kPush:
    case Endpoint::kDelete:
      return serves == Serves::kPushes;
    case Endpoint::kQuitGet:
      return false;
    case Endpoint::kApiOptions:
      return serves == Serves::kReads;
    default:
      return serves == Serves::kReads && method == http::Method::kGet;
  }
}

void reply_not_served(http::Response& response, Serves serves) {
  reply_error(
      response, 404,
      serves == Serves::kPushes
          ? "404 not served here: this address (--web.push-listen-address) takes pushes and deletions of groups."
          : "404 not served here: this address (--web.read-listen-address) takes nothing that changes anything.");
}

}  // namespace sluice::net::api
