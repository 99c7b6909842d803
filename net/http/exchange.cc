#include "net/http/exchange.h"

#include "net/http/ascii.h"

namespace sluice::net::http {

std::string_view Request::header(std::string_view name) const noexcept {
  for (const Header& field : headers) {
    if (equals_ignoring_case(field.name, name)) return field.value.data() ? field.value : std::string_view("");
  }
  return {};
}

}  // namespace sluice::net::http
