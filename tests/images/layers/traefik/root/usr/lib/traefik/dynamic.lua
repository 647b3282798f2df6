-- The file provider's document: from YAML to routes that are there from the start.
-- https://doc.traefik.io/traefik/reference/routing-configuration/dynamic-configuration-methods/

local lyaml = require("lyaml")

local rules = require("rules")

local dynamic = {}

-- What a document may hold. `*` is a name of the user's choice; a string is a kind of value.
local ROUTER = { rule = "string", entryPoints = "list", priority = "number", service = "string" }
local shape = {
  http = {
    routers = { ["*"] = ROUTER },
    services = { ["*"] = { loadBalancer = { servers = "list" } } },
  },
  tcp = {
    routers = { ["*"] = { rule = "string", entryPoints = "list", service = "string", tls = { passthrough = "boolean" } } },
    services = { ["*"] = { loadBalancer = { servers = "list" } } },
  },
  tls = { stores = { ["*"] = { defaultCertificate = { certFile = "string", keyFile = "string" } } } },
}

local function check(value, expected, path, problems)
  if type(expected) == "string" then
    local wanted = expected == "list" and "table" or expected
    if type(value) ~= wanted then problems[#problems + 1] = ("`%s` is not a %s"):format(path, expected) end
    return
  end
  if type(value) ~= "table" or value == lyaml.null then
    problems[#problems + 1] = ("`%s` is empty"):format(path)
    return
  end
  for key, inner in pairs(value) do
    local at = path == "" and tostring(key) or path .. "." .. key
    local known = expected[key] or expected["*"]
    if known then
      check(inner, known, at, problems)
    else
      problems[#problems + 1] = ("`%s` is not understood by this stand-in for Traefik"):format(at)
    end
  end
end

local function at(value, ...)
  for _, key in ipairs({ ... }) do
    if type(value) ~= "table" then return nil end
    value = value[key]
  end
  return value
end

local function entrypoints(router)
  if not router.entryPoints then return nil end
  local set = {}
  for _, name in ipairs(router.entryPoints) do set[name:lower()] = true end
  return set
end

local function addresses(services, key)
  local all = {}
  for name, service in pairs(services or {}) do
    local list = {}
    for _, server in ipairs(at(service, "loadBalancer", "servers") or {}) do
      list[#list + 1] = (server[key] or ""):gsub("^http://", ""):gsub("/$", "")
    end
    all["file-" .. name] = list
  end
  return all
end

local function http_routers(routers, problems)
  local list = {}
  for name, router in pairs(routers or {}) do
    local alternatives, problem = rules.parse(router.rule or "")
    if alternatives then
      list[#list + 1] = {
        name = "file-" .. name,
        alternatives = alternatives,
        service = router.service and (router.service:match("@internal$") and "internal" or "file-" .. router.service),
        entrypoints = entrypoints(router),
        priority = router.priority or #router.rule,
      }
    else
      problems[#problems + 1] = ("http.routers.%s.rule: %s"):format(name, problem)
    end
  end
  return list
end

-- Entry points whose connections go on as they come.
local function passed_through(tcp, problems)
  local services, through = addresses(at(tcp, "services"), "address"), {}
  for name, router in pairs(at(tcp, "routers") or {}) do
    if router.rule ~= "HostSNI(`*`)" or not at(router, "tls", "passthrough") then
      problems[#problems + 1] = ("tcp.routers.%s: only HostSNI(`*`) with passthrough is understood"):format(name)
    end
    for _, entrypoint in ipairs(router.entryPoints or {}) do
      through[entrypoint:lower()] = services["file-" .. (router.service or "")] or {}
    end
  end
  return through
end

-- From a document's text to `{ routers, services, passthrough, certificate }`, and a list of what is wrong.
function dynamic.parse(text)
  local problems = {}
  local fine, document = pcall(lyaml.load, text)
  if not fine then return nil, { "it is not YAML: " .. tostring(document) } end
  check(document, shape, "", problems)
  if #problems > 0 then return nil, problems end
  local default = at(document, "tls", "stores", "default", "defaultCertificate")
  return {
    routers = http_routers(at(document, "http", "routers"), problems),
    services = addresses(at(document, "http", "services"), "url"),
    passthrough = passed_through(document.tcp, problems),
    certificate = default,
  }, problems
end

-- What there is without a document: the health check that load balancers ask for.
function dynamic.none()
  local routes = dynamic.parse("http: {routers: {health-check: {rule: Path(`/health-check`), service: ping@internal}}}")
  return routes
end

-- A document's routes and the swarm's together.
function dynamic.merged(static, swarms)
  local all = { routers = {}, services = {}, passthrough = static.passthrough }
  for _, routes in ipairs({ static, swarms }) do
    table.move(routes.routers, 1, #routes.routers, #all.routers + 1, all.routers)
    for name, addresses in pairs(routes.services) do all.services[name] = addresses end
  end
  return all
end

return dynamic
