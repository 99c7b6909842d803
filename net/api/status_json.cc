#include "net/api/status_json.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/rfc3339.h"
#include "net/api/gateway.h"
#include "parser/json_write.h"

namespace sluice::net::api {

namespace {

using Entries = std::vector<std::pair<std::string, std::string>>;

// Keys sorted, as Go's encoder sorts those of a map.
void append_object(std::string& out, Entries entries) {
  std::ranges::sort(entries);
  char separator = '{';
  for (const auto& [key, value] : entries) {
    out += separator;
    separator = ',';
    parser::append_json_string(out, key);
    out += ':';
    parser::append_json_string(out, value);
  }
  if (separator == '{') out += '{';
  out += '}';
}

}  // namespace

std::string status_json(const GatewayOptions& options, int64_t start_wall_ns) {
  std::string out = R"({"status":"success","data":{"build_information":)";
  append_object(out, {{"branch", ""},
                      {"buildDate", ""},
                      {"buildUser", ""},
                      {"goVersion", ""},
                      {"revision", options.build.revision},
                      {"version", options.build.version}});
  out += R"(,"flags":)";
  append_object(out, options.flags);
  out += R"(,"start_time":")";
  append_rfc3339(out, start_wall_ns);
  out += "\"}}";
  return out;
}

}  // namespace sluice::net::api
