-- `traefik healthcheck`, with the flags of the running one: from settings to whether `/ping` answers, and what to say.

local http = require("socket.http")

return function(settings)
  if not settings["ping"] then return false, "Please enable `ping` to use health check." end
  local entry = settings.entrypoints[settings["ping.entrypoint"]]
  local address = ("http://%s:%d/ping"):format(entry.host ~= "" and entry.host or "127.0.0.1", entry.port)
  http.TIMEOUT = 5
  local _, status = http.request(address)
  if status == 200 then return true, "OK: " .. address end
  return false, "Bad healthcheck status: " .. tostring(status)
end
