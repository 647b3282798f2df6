-- The running program: starts haproxy, polls the swarm, passes changes on, and ends in good order.

local signal = require("posix.signal")
local socket = require("socket")
local unix = require("socket.unix")
local time = require("posix.time")
local unistd = require("posix.unistd")
local wait = require("posix.sys.wait")

local docker = require("docker")
local dynamic = require("dynamic")
local haproxy = require("haproxy")
local swarm = require("swarm")

local supervisor = {}

local FOLDER = "/run/traefik"

local function say(level, message) print(("level=%s msg=%q"):format(level, message)) end

local function read(path)
  local file = assert(io.open(path))
  local text = assert(file:read("a"))
  file:close()
  return text
end

local function write(path, text)
  local file = assert(io.open(path .. ".new", "w"))
  assert(file:write(text))
  assert(file:close())
  assert(os.rename(path .. ".new", path))
end

local function static_routes(settings)
  local path = settings["providers.file.filename"]
  if not path then return dynamic.none() end
  local fine, text = pcall(read, path)
  if not fine then return nil, { tostring(text) } end
  return dynamic.parse(text)
end

-- The user's certificate, else one like Traefik's own default: good for nobody's name, and made anew at each start.
local function provide_certificate(settings, certificate)
  local needed = false
  for _, entry in pairs(settings.entrypoints) do needed = needed or haproxy.is_encrypted(entry) end
  if not needed then return end
  if certificate then
    write(haproxy.CERTIFICATE, read(certificate.certFile) .. "\n" .. read(certificate.keyFile))
    return
  end
  assert(os.execute(("cd %s && umask 077 && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "
    .. "-days 3650 -subj '/CN=TRAEFIK DEFAULT CERT' -keyout key -out certificate 2> openssl.log "
    .. "&& cat certificate key > %s"):format(FOLDER, haproxy.CERTIFICATE)), "making the default certificate")
end

-- haproxy's side: a process that takes numbered configurations.
local Carrier = {}
Carrier.__index = Carrier

local CONFIGURATION = FOLDER .. "/haproxy.cfg"
-- A signal that comes while haproxy starts itself anew can get lost.
local SECONDS_UNTIL_REPEATED = 15

local function carrier(text)
  local self = setmetatable({ generation = 0, signalled = 0, signalled_at = 0 }, Carrier)
  self:put(text)
  local child = assert(unistd.fork())
  if child == 0 then
    unistd.execp("haproxy", { "-W", "-db", "-f", CONFIGURATION })
    io.stderr:write("error: haproxy cannot be started\n")
    unistd._exit(1)
  end
  self.master = child
  return self
end

-- Makes a text the wanted configuration; false when it is already.
function Carrier:put(text)
  if text == self.text then return false end
  self.text, self.generation = text, self.generation + 1
  write(CONFIGURATION, ("global\n    description generation-%d\n\n%s"):format(self.generation, text))
  return true
end

-- The number of the configuration in use; nil while haproxy does not answer.
local function generation_in_use()
  local connection = unix()
  connection:settimeout(2)
  local answer = connection:connect(haproxy.SOCKET) and connection:send("show info\n") and connection:receive("*a")
  connection:close()
  return answer and tonumber(answer:match("description: generation%-(%d+)"))
end

-- Has haproxy take the wanted configuration, unless it has.
function Carrier:drive()
  if self.used == self.generation then return end
  self.used = generation_in_use() or self.used
  if not self.used or self.used == self.generation then return end
  if self.signalled < self.generation or socket.gettime() > self.signalled_at + SECONDS_UNTIL_REPEATED then
    signal.kill(self.master, signal.SIGUSR2)
    self.signalled, self.signalled_at = self.generation, socket.gettime()
  end
end

-- haproxy's exit code, once it has ended; reaps whoever else has.
function Carrier:exit_code()
  while not self.code do
    local child, how, code = wait.wait(-1, wait.WNOHANG)
    if not child or child == 0 then return nil end
    if child == self.master then self.code = how == "exited" and code or 128 + code end
  end
  return self.code
end

-- Follows the swarm: `poll` returns its routes when they have changed, else nil; and what went wrong.
local function follower(settings)
  local endpoint = settings["providers.swarm.endpoint"]
  local filters = settings["providers.swarm.exposedbydefault"] == false and { label = { "traefik.enable=true" } } or {}
  -- The texts of the last answers: to compare them costs next to nothing, to read them does not.
  local last, told = {}, {}

  local function services()
    local text, problem = docker.get(endpoint, "/services", filters)
    if not text then return nil, problem end
    if text ~= last.services then
      local list
      list, problem = docker.list(text)
      if not list then return nil, problem end
      local ids = {}
      for _, service in ipairs(list) do ids[#ids + 1] = service.ID end
      table.sort(ids)
      last = { services = text, list = list, ids = ids }
    end
    return last
  end

  local function poll()
    local known, problem = services()
    if not known then return nil, problem end
    -- Without a service to filter by, Docker would list everybody's tasks.
    local text = "[]"
    if #known.ids > 0 then
      text, problem = docker.get(endpoint, "/tasks", { ["desired-state"] = { "running" }, service = known.ids })
      if not text then return nil, problem end
    end
    if text == known.tasks then return nil end
    local tasks
    tasks, problem = docker.list(text)
    if not tasks then return nil, problem end
    local routes, left_out = swarm.routes(known.list, tasks, settings)
    local now = {}
    for _, message in ipairs(left_out) do
      now[message] = true
      if not told[message] then say("error", message) end
    end
    told, known.tasks = now, text
    return routes
  end

  return poll
end

-- Ends early when a signal comes.
local function sleep(seconds)
  local whole = math.floor(seconds)
  time.nanosleep({ tv_sec = whole, tv_nsec = math.floor((seconds - whole) * 1e9) })
end

-- Runs until haproxy ends or a signal asks to end; the exit code.
function supervisor.run(settings)
  local static, problems = static_routes(settings)
  if not static or #problems > 0 then
    for _, problem in ipairs(problems) do
      io.stderr:write(("error: %s: %s\n"):format(settings["providers.file.filename"], problem))
    end
    return 1
  end
  os.execute("mkdir -p " .. FOLDER)
  provide_certificate(settings, static.certificate)

  local routes, ending, asked_to_end = { routers = {}, services = {} }, false, false
  for _, number in ipairs({ signal.SIGTERM, signal.SIGINT }) do
    signal.signal(number, function() asked_to_end = true end)
  end
  local function configuration() return haproxy.configuration(settings, dynamic.merged(static, routes), ending) end
  local carried = carrier(configuration())

  local poll = settings["providers.swarm"] and follower(settings)
  if poll then say("info", "following the swarm at " .. settings["providers.swarm.endpoint"]) end
  local failing
  local function step()
    if poll then
      -- Whatever a document holds that nobody thought of: the routes stay, and the next one may be better.
      local fine, changed, problem = xpcall(poll, debug.traceback)
      if not fine then changed, problem = nil, changed end
      if problem and problem ~= failing then say("error", problem .. "; the routes stay as they are") end
      if failing and not problem then say("info", "the swarm answers again") end
      failing = problem
      routes = changed or routes
    end
    if carried:put(configuration()) then say("info", ("configuration changed: %d routers"):format(#routes.routers)) end
    carried:drive()
  end

  local pause = (settings["providers.swarm.refreshseconds"] or 15000) / 1000
  while not asked_to_end do
    step()
    local code = carried:exit_code()
    if code then
      say("error", ("haproxy ended with %d"):format(code))
      return code ~= 0 and code or 1
    end
    if not asked_to_end then sleep(pause) end
  end
  return supervisor.finish(settings, carried, function()
    ending = true
    step()
  end)
end

-- The end: health checks fail, everything else is still served, until the load balancer has seen it. Then no new
-- requests, and those under way may be answered.
function supervisor.finish(settings, carried, step)
  local serving, answering = 0, 0
  for _, entry in pairs(settings.entrypoints) do
    serving = math.max(serving, (entry["transport.lifecycle.requestacceptgracetimeout"] or 0) / 1000)
    answering = math.max(answering, (entry["transport.lifecycle.gracetimeout"] or 10000) / 1000)
  end
  local deadline = socket.gettime() + serving
  while socket.gettime() < deadline and not carried:exit_code() do
    step()
    sleep(math.min(1, math.max(deadline - socket.gettime(), 0)))
  end
  deadline = socket.gettime() + answering
  while not carried:exit_code() do
    signal.kill(carried.master, socket.gettime() < deadline and signal.SIGUSR1 or signal.SIGTERM)
    sleep(0.5)
  end
  return 0
end

return supervisor
