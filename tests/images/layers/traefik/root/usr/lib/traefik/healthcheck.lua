-- `traefik healthcheck` with the flags of the running one: asks the entry point of `ping` and ends with 0 or 1.

local http = require("socket.http")
local flags = require("flags")

local settings, problems = flags.parse(arg)
if #problems == 0 and not settings["ping"] then problems[1] = "please enable `ping` to use health check" end
if #problems > 0 then
  for _, problem in ipairs(problems) do io.stderr:write("error: ", problem, "\n") end
  os.exit(1)
end
local entry = settings.entrypoints[settings["ping.entrypoint"]]
local address = ("http://%s:%d/ping"):format(entry.host ~= "" and entry.host or "127.0.0.1", entry.port)
http.TIMEOUT = 5
local _, status = http.request(address)
if status ~= 200 then
  print(("Bad healthcheck status: %s"):format(status))
  os.exit(1)
end
print(("OK: %s"):format(address))
