-- The files by which the programs of this stand-in know of each other.

local json = require("cjson")

local files = { configuration = "/run/traefik/haproxy.cfg", certificate = "/run/traefik/default.pem" }

local SETTINGS = "/run/traefik/settings.json"

-- A reader finds the old text or the new one, never a part.
function files.write(path, text)
  local file = assert(io.open(path .. ".new", "w"))
  assert(file:write(text))
  assert(file:close())
  assert(os.rename(path .. ".new", path))
end

function files.read(path)
  local file = assert(io.open(path))
  local text = file:read("a")
  file:close()
  return text
end

function files.save_settings(settings) files.write(SETTINGS, json.encode(settings)) end

function files.settings() return json.decode(files.read(SETTINGS)) end

return files
