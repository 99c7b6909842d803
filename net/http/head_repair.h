// The slow path of the request parser: a head that strict llhttp refuses although Go's server takes it.
//
// Clients send bare LF line ends, equal Content-Length fields twice, versions 1.2 to 1.9, methods that llhttp has never
// heard of and raw bytes above 0x7f in the target. The head is split into lines here, by Go's grammar, and written anew
// in the strict form with a stand-in request line, so that llhttp still gives its verdict over everything else and is
// left in the state that a chunked body needs. Folded lines are refused: they are obsolete (RFC 9112, 5.2), and they
// hide fields from whoever reads the request differently.
#pragma once

#include <string>
#include <string_view>

#include "core/base/result.h"
#include "net/http/field_rules.h"

namespace sluice::net::http {

struct RepairedHead {
  RequestLine line;
  Framing framing;
};

// `head` ends with its empty line. Fills `request.headers` with views into `head`, and `strict` with the head to show
// to llhttp. Pure function of bytes.
[[nodiscard]] Result<RepairedHead, Refusal> repair_head(std::string_view head, Request& request, std::string& strict);

}  // namespace sluice::net::http
