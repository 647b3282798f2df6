-- Traefik's flags: from a command line to settings, or to everything that is wrong with it.
-- https://doc.traefik.io/traefik/reference/install-configuration/configuration-options/

local flags = {}

local function duration(text)
  -- A plain number is seconds.
  if text:match("^%d+$") then return tonumber(text) * 1000 end
  local units = { ms = 1, s = 1000, m = 60000, h = 3600000 }
  local total, rest = 0, text
  while rest ~= "" do
    local number, unit, tail = rest:match("^(%d+%.?%d*)(%a+)(.*)$")
    if not number or not units[unit] then return nil end
    total, rest = total + tonumber(number) * units[unit], tail
  end
  return text ~= "" and math.floor(total) or nil
end

local types = {
  text = function(text) return text end,
  number = function(text) return tonumber(text) end,
  duration = duration,
  boolean = function(text)
    local known = { ["true"] = true, ["false"] = false }
    return known[text:lower()]
  end,
}

-- What is understood, in lower case: Traefik does not tell cases apart. `*` is a name of the user's choice.
-- `ignored` changes nothing here that a test could see.
local known = {
  ["accesslog"] = { "boolean" },
  ["api"] = { "boolean", ignored = true },
  ["api.dashboard"] = { "boolean", ignored = true },
  ["api.insecure"] = { "boolean", ignored = true },
  ["certificatesresolvers.*.acme.caserver"] = { "text", ignored = true },
  ["certificatesresolvers.*.acme.email"] = { "text", ignored = true },
  ["certificatesresolvers.*.acme.httpchallenge"] = { "boolean", ignored = true },
  ["certificatesresolvers.*.acme.httpchallenge.entrypoint"] = { "text", ignored = true },
  ["certificatesresolvers.*.acme.keytype"] = { "text", ignored = true },
  ["certificatesresolvers.*.acme.storage"] = { "text", ignored = true },
  ["certificatesresolvers.*.acme.tlschallenge"] = { "boolean", ignored = true },
  ["entrypoints.*.address"] = { "text" },
  ["entrypoints.*.asdefault"] = { "boolean" },
  ["entrypoints.*.http.tls"] = { "boolean" },
  ["entrypoints.*.http.tls.certresolver"] = { "text" },
  ["entrypoints.*.transport.lifecycle.gracetimeout"] = { "duration" },
  ["entrypoints.*.transport.lifecycle.requestacceptgracetimeout"] = { "duration" },
  ["global.checknewversion"] = { "boolean", ignored = true },
  ["global.sendanonymoususage"] = { "boolean", ignored = true },
  ["log"] = { "boolean", ignored = true },
  ["log.format"] = { "text", ignored = true },
  ["log.level"] = { "text", ignored = true },
  ["ping"] = { "boolean" },
  ["ping.entrypoint"] = { "text" },
  ["providers.file.filename"] = { "text" },
  ["providers.providersthrottleduration"] = { "duration", ignored = true },
  ["providers.swarm"] = { "boolean" },
  ["providers.swarm.endpoint"] = { "text" },
  ["providers.swarm.exposedbydefault"] = { "boolean" },
  ["providers.swarm.network"] = { "text" },
  ["providers.swarm.refreshseconds"] = { "duration" },
  ["providers.swarm.watch"] = { "boolean", ignored = true },
  ["serverstransport.forwardingtimeouts.dialtimeout"] = { "duration" },
  ["serverstransport.forwardingtimeouts.idleconntimeout"] = { "duration", ignored = true },
  ["serverstransport.forwardingtimeouts.responseheadertimeout"] = { "duration" },
}

-- The entry of `known` for a flag in lower case, and what stands for `*`.
local function find(name)
  if known[name] then return known[name], nil end
  local first, chosen, rest = name:match("^(%a+)%.([^.]+)%.(.+)$")
  if first then return known[first .. ".*." .. rest], chosen, first .. ".*." .. rest end
end

-- `name=value` pairs and bare names, in order; a value may be the next argument, but not a flag's that is true or false.
local function pairs_of(arguments)
  local found, problems, position = {}, {}, 1
  while position <= #arguments do
    local argument = arguments[position]
    local name, value = argument:match("^%-%-?([^=]+)=(.*)$")
    if not name then
      name = argument:match("^%-%-?(.+)$")
      local entry = name and find(name:lower())
      if not name then
        problems[#problems + 1] = ("`%s` is not a flag"):format(argument)
      elseif entry and entry[1] == "boolean" then
        value = "true"
      elseif entry then
        position = position + 1
        value = arguments[position]
        if not value then problems[#problems + 1] = ("`%s` needs a value"):format(argument) end
      end
    end
    if name then found[#found + 1] = { name = name, value = value } end
    position = position + 1
  end
  return found, problems
end

-- From arguments to settings: a table from names as in `known` to values, and `entrypoints` by name. The second result
-- lists what is wrong, empty when nothing is.
function flags.parse(arguments)
  local found, problems = pairs_of(arguments)
  local settings = { entrypoints = {} }
  for _, flag in ipairs(found) do
    local name = flag.name:lower()
    local entry, chosen, generic = find(name)
    if not entry then
      problems[#problems + 1] = ("unknown flag `--%s`: this stand-in for Traefik does not know it"):format(flag.name)
    elseif flag.value then
      local value = types[entry[1]](flag.value)
      if value == nil then
        problems[#problems + 1] = ("`--%s`: `%s` is not a %s"):format(flag.name, flag.value, entry[1])
      elseif chosen and name:match("^entrypoints%.") then
        -- Names keep their case in labels; what is given here is compared in lower case, too.
        settings.entrypoints[chosen] = settings.entrypoints[chosen] or {}
        settings.entrypoints[chosen][generic:match("^entrypoints%.%*%.(.+)$")] = value
      elseif not entry.ignored then
        settings[name] = value
      end
    end
  end
  flags.complete(settings, problems)
  return settings, problems
end

-- Fills in defaults and checks what one flag says about another.
function flags.complete(settings, problems)
  local given = {}
  for name in pairs(settings) do given[#given + 1] = name end
  for _, name in ipairs(given) do
    local parent = name:match("^(providers%.swarm)%.") or name:match("^(ping)%.")
    if parent and settings[parent] == nil then settings[parent] = true end
  end
  if settings["ping"] then
    local name = (settings["ping.entrypoint"] or "traefik"):lower()
    settings["ping.entrypoint"] = name
    if name == "traefik" and not settings.entrypoints.traefik then
      settings.entrypoints.traefik = { address = ":8080" }
    end
    if not settings.entrypoints[name] then
      problems[#problems + 1] = ("`--ping.entryPoint=%s` is no entry point"):format(name)
    end
  end
  for name, entry in pairs(settings.entrypoints) do
    local host, port = (entry.address or ""):match("^([%w%.%-]*):(%d+)$")
    if not port or tonumber(port) > 65535 then
      problems[#problems + 1] = ("entry point `%s` needs an address such as `:80`"):format(name)
    else
      entry.host, entry.port = host, tonumber(port)
    end
  end
  local endpoint = settings["providers.swarm.endpoint"]
  if settings["providers.swarm"] and not (endpoint or ""):match("^%a+://[%w%.%-]+:%d+$") then
    problems[#problems + 1] = ("`--providers.swarm.endpoint=%s`: only tcp://host:port is understood here"):format(endpoint or "")
  elseif endpoint then
    settings["providers.swarm.endpoint"] = endpoint:gsub("^%a+://", "http://")
  end
  table.sort(problems)
end

return flags
