// The value of --web.external-url, read as Go's net/url reads it.
#pragma once

#include <string>

#include "core/base/result.h"

namespace sluice::tools {

// The decoded path of `url`, from which the route prefix is derived; or why it is not a URL, in Go's words.
[[nodiscard]] Result<std::string, std::string> external_url_path(const std::string& url);

}  // namespace sluice::tools
