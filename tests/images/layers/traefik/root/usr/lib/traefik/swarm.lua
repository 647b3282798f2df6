-- The swarm's services and running tasks: from Docker's documents to routes and servers.
-- https://doc.traefik.io/traefik/reference/install-configuration/providers/swarm/
-- https://docs.docker.com/engine/api/v1.41/

local rules = require("rules")

local swarm = {}

-- cjson's null is no value.
local function at(value, ...)
  for _, key in ipairs({ ... }) do
    if type(value) ~= "table" then return nil end
    value = value[key]
  end
  if type(value) == "userdata" then return nil end
  return value
end

local function sorted(map)
  local keys = {}
  for key in pairs(map) do keys[#keys + 1] = key end
  table.sort(keys)
  return keys
end

-- Names of services become words of haproxy's configuration, apart from those of the file provider.
local function word(name)
  local bare, provider = name:match("^(.*)@(%w+)$")
  return (provider == "file" and "file-" or "swarm-") .. (bare or name):gsub("[^%w%-_%.]", "_")
end

local function listed(text)
  local list = {}
  for item in text:gmatch("[^%s,]+") do list[#list + 1] = item end
  return list
end

-- Labels `traefik.http.<kind>.<name>.<option>=value` as kind -> name -> option -> value; kinds' and options' cases are
-- not told apart.
local function grouped(labels)
  local groups = { routers = {}, services = {}, middlewares = {} }
  for _, label in ipairs(sorted(labels)) do
    local kind, name, option = label:match("^[Tt]raefik%.[Hh][Tt][Tt][Pp]%.(%a+)%.([^.]+)%.(.+)$")
    local group = kind and groups[kind:lower()]
    if group then
      group[name] = group[name] or {}
      group[name][option:lower()] = labels[label]
    end
  end
  return groups
end

-- The task's address in the network called `wanted`, else in the first one that is not the ingress network.
local function address(task, wanted)
  local first
  for _, attachment in ipairs(at(task, "NetworksAttachments") or {}) do
    local ip = (at(attachment, "Addresses", 1) or ""):match("^(%d+%.%d+%.%d+%.%d+)/%d+$")
    if ip and not at(attachment, "Network", "Spec", "Ingress") then
      if at(attachment, "Network", "Spec", "Name") == wanted then return ip end
      first = first or ip
    end
  end
  return first
end

local function servers(service, tasks, network)
  local list = {}
  for _, task in ipairs(tasks) do
    if at(task, "ServiceID") == service.ID and at(task, "Status", "State") == "running" then
      local ip = address(task, network)
      if ip then list[#list + 1] = ip end
    end
  end
  table.sort(list)
  return list
end

-- What is wrong with a router's middlewares: retries are always there, others are unknown.
local function problem_of(names, middlewares)
  for _, name in ipairs(listed(names or "")) do
    local options = middlewares[name:gsub("@%w+$", "")]
    if not options then return ("middleware `%s` does not exist"):format(name) end
    for option in pairs(options) do
      if not option:match("^retry%.") then
        return ("middleware `%s`: `%s` is not understood by this stand-in"):format(name, option)
      end
    end
  end
end

local function router(name, options, services, middlewares)
  if not options.rule then return nil, "has no rule" end
  local alternatives, problem = rules.parse(options.rule)
  if not alternatives then return nil, ("rule `%s`: %s"):format(options.rule, problem) end
  local target = options.service
  if not target then
    local names = sorted(services)
    if #names ~= 1 then return nil, ("names no service, and there are %d"):format(#names) end
    target = names[1]
  end
  problem = problem_of(options.middlewares, middlewares)
  if problem then return nil, problem end
  local entrypoints = {}
  for _, entrypoint in ipairs(listed(options.entrypoints or "")) do entrypoints[entrypoint:lower()] = true end
  return {
    name = name,
    alternatives = alternatives,
    service = target:match("@internal$") and "internal" or word(target),
    -- nil: every entry point that is there by default.
    entrypoints = next(entrypoints) and entrypoints or nil,
    priority = tonumber(options.priority) or #options.rule,
  }
end

-- Options of services that need nothing of haproxy beyond what it does anyway.
local function check_service(options)
  local port = tonumber(options["loadbalancer.server.port"])
  if not port or port < 1 or port > 65535 then return nil, "has no port" end
  local scheme = options["loadbalancer.server.scheme"] or "http"
  if scheme ~= "http" then return nil, ("scheme `%s` is not understood by this stand-in"):format(scheme) end
  return math.floor(port)
end

-- From documents to `{ routers = {…}, services = { [name] = { "ip:port", … } } }`, and a list of what was
-- left out and why.
function swarm.routes(services, tasks, settings)
  local routes, problems = { routers = {}, services = {} }, {}
  local names = {}
  local function left_out(service, kind, name, problem)
    problems[#problems + 1] = ("service `%s`: %s `%s` %s"):format(at(service, "Spec", "Name"), kind, name, problem)
  end
  table.sort(services, function(left, right) return left.ID < right.ID end)
  for _, service in ipairs(services) do
    local labels = at(service, "Spec", "Labels") or {}
    local enabled = labels["traefik.enable"]
    if enabled == "true" or (enabled == nil and settings["providers.swarm.exposedbydefault"] ~= false) then
      local groups = grouped(labels)
      local network = labels["traefik.swarm.network"] or labels["traefik.docker.network"]
        or settings["providers.swarm.network"]
      for _, name in ipairs(sorted(groups.services)) do
        local port, problem = check_service(groups.services[name])
        if port then
          local all = routes.services[word(name)] or {}
          for _, ip in ipairs(servers(service, tasks, network)) do all[#all + 1] = ip .. ":" .. port end
          -- Without a running task, Traefik 3.6 knows nothing of a service: github.com/traefik/traefik/issues/12196.
          if #all > 0 then routes.services[word(name)] = all end
        else
          left_out(service, "service", name, problem)
        end
      end
      for _, name in ipairs(sorted(groups.routers)) do
        local one, problem = router(name, groups.routers[name], groups.services, groups.middlewares)
        if one and names[one.name] then one, problem = nil, "is there already" end
        if one then
          names[one.name] = true
          routes.routers[#routes.routers + 1] = one
        else
          left_out(service, "router", name, problem)
        end
      end
    end
  end
  return routes, problems
end

return swarm
