-- Workload S for wrk: POST of ten gauges with three labels and TYPE lines, about 1.2 KB, one group per instance label.
-- Environment: SLUICE_BENCH_GROUPS (number of groups), SLUICE_BENCH_CLOSE (1: one connection per push),
-- SLUICE_BENCH_PROTOBUF (1: the same content as delimited protobuf), SLUICE_BENCH_PIPELINE (requests sent at once),
-- SLUICE_BENCH_GAUGES (1 to 10, instead of all ten), SLUICE_BENCH_METHOD (DELETE: each group once around, without a body).
local ffi = require("ffi")
local groups = tonumber(os.getenv("SLUICE_BENCH_GROUPS") or "1000")
local close = os.getenv("SLUICE_BENCH_CLOSE") == "1"
local protobuf = os.getenv("SLUICE_BENCH_PROTOBUF") == "1"
local pipeline = tonumber(os.getenv("SLUICE_BENCH_PIPELINE") or "1")
local gauges = tonumber(os.getenv("SLUICE_BENCH_GAUGES") or "10")
local method = os.getenv("SLUICE_BENCH_METHOD") or "POST"
local requests = {}
local at = 0

-- A field of a message; lengths here stay below 16,384.
local function part(number, content)
  local bytes = #content
  local length = bytes < 128 and string.char(bytes) or string.char(bytes % 128 + 128, math.floor(bytes / 128))
  return string.char(number * 8 + 2) .. length .. content
end

local function label(name, value)
  return part(1, part(1, name) .. part(2, value))
end

-- The families of body_of(), each behind its length.
local function protobuf_of(group)
  local families = {}
  for family = 1, gauges do
    local value = tonumber(string.format("%d.%02d", (group * 7 + family) % 1000, (group + family) % 100))
    local gauge = part(2, string.char(9) .. ffi.string(ffi.new("double[1]", value), 8))
    local metric = label("region", "eu-west-" .. group % 3) .. label("stage", "production") .. label("task", "step-" .. family)
    -- part() puts a tag before the length, which a stream has not.
    families[#families + 1] = part(1, part(1, "batch_metric_" .. family) .. string.char(24, 1) .. part(4, metric .. gauge)):sub(2)
  end
  return table.concat(families)
end

local function body_of(group)
  local lines = {}
  for family = 1, gauges do
    local name = "batch_metric_" .. family
    lines[#lines + 1] = "# TYPE " .. name .. " gauge\n"
    lines[#lines + 1] = string.format('%s{region="eu-west-%d",stage="production",task="step-%d"} %d.%02d\n', name,
      group % 3, family, (group * 7 + family) % 1000, (group + family) % 100)
  end
  return table.concat(lines)
end

function init()
  local headers = { ["Content-Type"] = "text/plain; version=0.0.4" }
  if protobuf then
    headers["Content-Type"] = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
  end
  if close then headers["Connection"] = "close" end
  local single = {}
  for group = 1, groups do
    local body = nil
    if method ~= "DELETE" then body = protobuf and protobuf_of(group) or body_of(group) end
    single[group] = wrk.format(method, "/metrics/job/bench/instance/host-" .. group, headers, body)
  end
  if pipeline == 1 then
    requests = single
    return
  end
  local first = 1
  for batch = 1, math.ceil(groups / pipeline) do
    local parts = {}
    for i = 1, pipeline do
      parts[i] = single[first]
      first = first % groups + 1
    end
    requests[batch] = table.concat(parts)
  end
end

function request()
  at = at % #requests + 1
  return requests[at]
end

-- One line for the script that runs this: what was done, and what went wrong.
function done(summary, latency)
  local errors = summary.errors
  io.write(string.format("RESULT requests=%d duration_us=%d status=%d socket=%d p50_us=%d p99_us=%d\n",
    summary.requests, summary.duration, errors.status, errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
