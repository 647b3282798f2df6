-- Beside haproxy: asks Docker for services and tasks, and gives haproxy a new configuration when the routes have changed.
-- What Docker said last holds while it does not answer.

local http = require("socket.http")
local json = require("cjson")
local ltn12 = require("ltn12")
local socket = require("socket")
local url = require("socket.url")

local files = require("files")
local haproxy = require("haproxy")
local swarm = require("swarm")

local API = "/v1.41"

local settings = files.settings()
local endpoint = settings["providers.swarm.endpoint"]
local pause = (settings["providers.swarm.refreshseconds"] or 15000) / 1000
http.TIMEOUT = (settings["providers.swarm.httpclienttimeout"] or 10000) / 1000
io.stdout:setvbuf("line")

local function say(level, message) print(("level=%s msg=%q"):format(level, message)) end

local function get(path, filters)
  local parts = {}
  local address = endpoint .. API .. path .. "?filters=" .. url.escape(json.encode(filters))
  local fine, status = http.request({ url = address, sink = ltn12.sink.table(parts), redirect = false })
  local body = table.concat(parts)
  if not fine then return nil, ("GET %s: %s"):format(path, status) end
  if status ~= 200 then return nil, ("GET %s: status %d: %s"):format(path, status, body:sub(1, 200)) end
  return body
end

local function documents(body)
  local fine, list = pcall(json.decode, body)
  return fine and type(list) == "table" and list or nil
end

-- The texts of the last answers: to compare them costs next to nothing, to read them does not.
local last = { services = nil, service_ids = nil, tasks = nil }
local current = files.read(files.configuration)
local told = {}

local function poll()
  local only_enabled = settings["providers.swarm.exposedbydefault"] == false
  local services, problem = get("/services", only_enabled and { label = { "traefik.enable=true" } } or {})
  if not services then return problem end
  if services ~= last.services then
    local list = documents(services)
    if not list then return "GET /services: the answer is not JSON" end
    local ids = {}
    for _, service in ipairs(list) do ids[#ids + 1] = service.ID end
    table.sort(ids)
    last = { services = services, service_ids = ids }
  end
  -- Without a name to filter by, Docker would list everybody's tasks.
  local tasks = "[]"
  if #last.service_ids > 0 then
    tasks, problem = get("/tasks", { ["desired-state"] = { "running" }, service = last.service_ids })
    if not tasks then return problem end
  end
  if tasks == last.tasks then return end
  local list = documents(tasks)
  if not list then return "GET /tasks: the answer is not JSON" end

  local routes, left_out = swarm.routes(documents(services), list, settings)
  local now = {}
  for _, text in ipairs(left_out) do
    now[text] = true
    if not told[text] then say("error", text) end
  end
  told = now
  local configuration = haproxy.configuration(settings, routes)
  if configuration ~= current then
    files.write(files.configuration, configuration)
    assert(os.execute(("kill -USR2 %d"):format(settings.master)), "telling haproxy's master")
    current = configuration
    say("info", ("configuration changed: %d routers"):format(#routes.routers))
  end
  last.tasks = tasks
end

say("info", ("following the swarm at %s"):format(endpoint))
local failing
while true do
  -- Whatever a document holds that nobody thought of: the routes stay, and the next one may be better.
  local fine, problem = xpcall(poll, debug.traceback)
  if problem and problem ~= failing then say("error", problem .. "; the routes stay as they are") end
  if failing and not problem then say("info", "the swarm answers again") end
  failing = problem
  socket.sleep(pause)
end
