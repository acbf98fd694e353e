-- Requests for the paths in a file, one after the other.
-- Arguments: method, file of paths, Host header, bytes of the body, a token or an empty text.

local method, headers, body
local paths, ready = {}, {}
local position = 0

function init(args)
  method = args[1]
  headers = { ["Host"] = args[3] }
  if args[5] ~= "" then
    headers["Authorization"] = "Bearer " .. args[5]
  end
  for path in io.lines(args[2]) do
    paths[#paths + 1] = path
  end
  if method == "PUT" then
    body = string.rep("x", tonumber(args[4]))
    return
  end
  for index, path in ipairs(paths) do
    ready[index] = wrk.format(method, path, headers)
  end
end

function request()
  position = position % #paths + 1
  return ready[position] or wrk.format(method, paths[position], headers, body)
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    "\nmeasured requests=%d microseconds=%d p50=%d p99=%d status=%d connect=%d read=%d write=%d timeout=%d\n",
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    errors.status, errors.connect, errors.read, errors.write, errors.timeout))
end
