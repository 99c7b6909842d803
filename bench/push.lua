-- Workload S for wrk: POST of ten gauges with three labels and TYPE lines, about 1.2 KB, one group per instance label.
-- Environment: SLUICE_BENCH_GROUPS (number of groups), SLUICE_BENCH_CLOSE (1: one connection per push).
local groups = tonumber(os.getenv("SLUICE_BENCH_GROUPS") or "1000")
local close = os.getenv("SLUICE_BENCH_CLOSE") == "1"
local requests = {}
local at = 0

local function body_of(group)
  local lines = {}
  for family = 1, 10 do
    local name = "batch_metric_" .. family
    lines[#lines + 1] = "# TYPE " .. name .. " gauge\n"
    lines[#lines + 1] = string.format('%s{region="eu-west-%d",stage="production",task="step-%d"} %d.%02d\n', name,
      group % 3, family, (group * 7 + family) % 1000, (group + family) % 100)
  end
  return table.concat(lines)
end

function init()
  local headers = { ["Content-Type"] = "text/plain; version=0.0.4" }
  if close then headers["Connection"] = "close" end
  for group = 1, groups do
    requests[group] = wrk.format("POST", "/metrics/job/bench/instance/host-" .. group, headers, body_of(group))
  end
end

function request()
  at = at % groups + 1
  return requests[at]
end

-- One line for the script that runs this: what was done, and what went wrong.
function done(summary, latency)
  local errors = summary.errors
  io.write(string.format("RESULT requests=%d duration_us=%d status=%d socket=%d p50_us=%d p99_us=%d\n",
    summary.requests, summary.duration, errors.status, errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
