-- Sends what requests.json lists, one after the other, and checks every answer.
-- wrk -s check.lua URL -- FILE LENGTHS ROTATE
-- FILE: one request a line, its parts between tabs: method, path, headers (name: value;...), body.
-- LENGTHS: shortest-longest body. ROTATE: the name of a token in the answer that is the next request's, or "-".
local threads = {}
function setup(thread) table.insert(threads, thread) end

function init(args)
  wrong, sample = 0, ""
  shortest, longest = args[2]:match("(%d+)-(%d+)")
  shortest, longest = tonumber(shortest), tonumber(longest)
  rotate, requests, first, last = args[3], {}, 1, 0
  for line in io.lines(args[1]) do
    local method, path, headers, body = line:match("([^\t]*)\t([^\t]*)\t([^\t]*)\t?(.*)")
    template = { method, path, {} }
    for name, value in headers:gmatch("([^:;]+): ([^;]+)") do template[3][name] = value end
    push(rotate == "-" and wrk.format(method, path, template[3], body ~= "" and body or nil) or with_token(body))
  end
end

function push(text) last = last + 1; requests[last] = text end

function with_token(token)
  return wrk.format(template[1], template[2], template[3], '{"' .. rotate .. '":"' .. token .. '"}')
end

function request()
  if rotate == "-" then
    first = first % last + 1
    return requests[first]
  end
  local text = requests[first]
  requests[first] = nil
  first = first + 1
  return text
end

function response(status, headers, body)
  if status ~= 200 or #body < shortest or #body > longest then
    wrong = wrong + 1
    sample = status .. " " .. #body .. " " .. body:sub(1, 200)
  end
  if rotate ~= "-" then
    local token = body:match('"' .. rotate .. '": ?"([^"]+)"')
    if token then push(with_token(token)) end
  end
end

function done(summary, latency, requests)
  local wrong, sample = 0, ""
  for _, thread in ipairs(threads) do
    wrong = wrong + thread:get("wrong")
    sample = thread:get("sample")
  end
  local errors = summary.errors
  print(string.format('{"requests": %d, "seconds": %f, "wrong": %d, "lost": %d, "p50_ms": %f, "p99_ms": %f}',
    summary.requests, summary.duration / 1e6, wrong, errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000))
  if wrong > 0 then io.stderr:write(sample .. "\n") end
end
