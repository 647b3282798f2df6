-- Before haproxy starts: from the process number it will have and Traefik's flags to settings and a first configuration,
-- in which nothing is routed yet. Ends with 1 and every mistake when the flags are wrong.

local files = require("files")
local flags = require("flags")
local haproxy = require("haproxy")

local master = table.remove(arg, 1)
if arg[1] == "traefik" then table.remove(arg, 1) end
local settings, problems = flags.parse(arg)
if #problems > 0 then
  for _, problem in ipairs(problems) do io.stderr:write("error: ", problem, "\n") end
  os.exit(1)
end
settings.master = tonumber(master)

for _, entry in pairs(settings.entrypoints) do
  if haproxy.is_encrypted(entry) then
    -- Like Traefik's own default certificate: good for nobody's name, and made anew at each start.
    local made = os.execute("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 "
      .. "-subj '/CN=TRAEFIK DEFAULT CERT' -keyout /run/traefik/default.key -out /run/traefik/default.crt 2>/dev/null "
      .. "&& cat /run/traefik/default.crt /run/traefik/default.key > " .. files.certificate)
    assert(made, "making the default certificate")
    break
  end
end
files.save_settings(settings)
files.write(files.configuration, haproxy.configuration(settings, { routers = {}, services = {} }))
