// What a request needs under `--auth.file`, and the answers to who does not have it.
#pragma once

#include "net/api/access_control.h"
#include "net/api/router.h"
#include "net/http/exchange.h"
#include "parser/names.h"

namespace sluice::net::api {

// Before anything of the body is received. Health is everybody's: probes carry no secrets, and it tells nothing but
// that the process runs. What is no endpoint (404, 405, redirects) needs a known caller, whatever its rights.
[[nodiscard]] AccessControl::Verdict check_access(AccessControl& access, const http::Exchange& exchange,
                                                  const Route& route, parser::NameScheme names);

// 401 with a challenge, or 403 with a sentence. `verdict` is not kYes.
void reply_no_access(http::Exchange& exchange, AccessControl::Verdict verdict, const Route& route,
                     const AccessControl& access);

}  // namespace sluice::net::api
