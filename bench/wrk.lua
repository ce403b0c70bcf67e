-- Prints what wrk measured as one line of JSON, for load.mjs; os.clock() is wrk's own CPU time.
-- With arguments METHOD FILE it sends the file's bytes.
function init(args)
    if #args < 2 then return end
    local file = assert(io.open(args[2], "rb"))
    wrk.method = args[1]
    wrk.body = file:read("*a")
    file:close()
    wrk.headers["Content-Type"] = "text/plain"
    request = function() return wrk.format() end
end

function done(summary, latency)
    local errors = summary.errors
    local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
    print(string.format(
        'JSON {"requests":%d,"seconds":%.6f,"failed":%d,' ..
        '"p50Ms":%.3f,"p99Ms":%.3f,"maxMs":%.3f,"loadCpuSeconds":%.3f}',
        summary.requests, summary.duration / 1e6, failed,
        latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, latency.max / 1e3, os.clock()))
end
