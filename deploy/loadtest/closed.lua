-- Closed loop for wrk: every connection sends its next request when the last was answered. The
-- bodies of a folder are sent in turn; what came of it is printed as one line of JSON.
--
--   wrk -t1 -c8 -d5s -s closed.lua URL -- PATH FOLDER COUNT SUFFIX [TOKEN]

local requests, next_one, thread_count = {}, 0, 0

function setup(thread)
    thread:set("number", thread_count)
    thread_count = thread_count + 1
end

local function read(name)
    local file = assert(io.open(name, "rb"))
    local text = file:read("*a")
    file:close()
    return text
end

function init(args)
    local path, folder, count, suffix, token = args[1], args[2], tonumber(args[3]), args[4], args[5]
    local headers = { ["Content-Type"] = "application/json" }
    if suffix == "json.gz" then headers["Content-Encoding"] = "gzip" end
    if suffix == "bin" then headers["Content-Type"] = "application/octet-stream" end
    if token and token ~= "" then headers["Authorization"] = "Bearer " .. token end
    for i = 0, count - 1 do
        local name = string.format("%s/%03d.%s", folder, i, suffix)
        local text = read(name)
        if suffix == "bin" then
            headers["Inference-Header-Content-Length"] = read(name .. ".length")
        end
        requests[i] = wrk.format("POST", path, headers, text)
    end
    next_one, requests.count = number * 7, count
end

function request()
    next_one = (next_one + 1) % requests.count
    return requests[next_one]
end

function done(summary, latency, _)
    local errors = summary.errors
    local line = { string.format(
        '{"requests": %d, "seconds": %.6f, "errors": %d, "bytes": %d, "max_ms": %.3f',
        summary.requests, summary.duration / 1e6,
        errors.status + errors.connect + errors.read + errors.write + errors.timeout,
        summary.bytes, latency.max / 1e3) }
    for _, percent in ipairs({ 50, 90, 99, 99.9 }) do
        line[#line + 1] = string.format(', "p%s_ms": %.3f', percent, latency:percentile(percent) / 1e3)
    end
    print(table.concat(line) .. "}")
end
