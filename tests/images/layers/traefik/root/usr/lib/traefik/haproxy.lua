-- haproxy's configuration: from settings and routes to text.
-- https://docs.haproxy.org/2.6/configuration.html

local haproxy = { CERTIFICATE = "/run/traefik/default.pem", SOCKET = "/run/traefik/haproxy.sock" }

local function sorted(map)
  local keys = {}
  for key in pairs(map) do keys[#keys + 1] = key end
  table.sort(keys)
  return keys
end

local conditions = {
  Host = "{ req.hdr(host),host_only,lower -m str %s }",
  Path = "{ path -m str %s }",
  PathPrefix = "{ path -m beg %s }",
}

local function condition(alternative)
  local parts = {}
  for _, one in ipairs(alternative) do
    parts[#parts + 1] = (one.negated and "!" or "") .. conditions[one.name]:format(one.value)
  end
  return table.concat(parts, " ")
end

local function head(settings)
  local function milliseconds(name, default) return settings[name] or default end
  local lines = {
    "global",
    "    log stdout format raw local0",
    ("    stats socket %s mode 600 level operator expose-fd listeners"):format(haproxy.SOCKET),
    "    # Many more than a small machine serves; the default follows the limit of open files, and so does the memory.",
    "    maxconn 4000",
    "    nbthread 1",
    "    # What is under way when the configuration changes may go on for so long.",
    "    hard-stop-after 10m",
    "",
    "resolvers docker",
    "    nameserver docker 127.0.0.11:53",
    "    hold valid 5s",
    "",
    "defaults",
    "    mode http",
    "    option forwardfor",
    "    option idle-close-on-response",
    "    # A connection that waits in a pool for the next request would not notice that its server's machine died.",
    "    option http-server-close",
    ("    timeout connect %dms"):format(milliseconds("serverstransport.forwardingtimeouts.dialtimeout", 30000)),
    ("    timeout server %dms"):format(milliseconds("serverstransport.forwardingtimeouts.responseheadertimeout", 60000)),
    "    timeout client 60s",
    "    timeout http-request 60s",
    "    timeout http-keep-alive 15s",
    "    # Another server at once, for every kind of failure that leaves the request whole.",
    "    retries 3",
    "    option redispatch 1",
    "    retry-on conn-failure empty-response response-timeout",
  }
  if settings["accesslog"] then
    lines[#lines + 1] = "    log global"
    lines[#lines + 1] = "    option httplog"
  end
  return lines
end

-- Where a router listens that names no entry point.
local function is_default(name, entry, settings)
  local some = false
  for _, other in pairs(settings.entrypoints) do some = some or other.asdefault end
  if some then return entry.asdefault end
  return name ~= "traefik"
end

local function frontend(name, settings, routes)
  local entry = settings.entrypoints[name]
  local encrypted = haproxy.is_encrypted(entry)
  local lines = {
    "",
    "frontend " .. name,
    ("    bind %s:%d%s"):format(entry.host ~= "" and entry.host or "*", entry.port,
      encrypted and " ssl crt " .. haproxy.CERTIFICATE .. " alpn h2,http/1.1" or ""),
    ("    http-request set-header X-Forwarded-Proto %s"):format(encrypted and "https" or "http"),
  }
  local function add(line) lines[#lines + 1] = "    " .. line end
  if settings["ping"] and settings["ping.entrypoint"] == name then add("use_backend internal if { path -m str /ping }") end
  local default = is_default(name, entry, settings)
  for _, router in ipairs(routes.routers) do
    local here = default
    if router.entrypoints then here = router.entrypoints[name] end
    if here then
      for _, alternative in ipairs(router.alternatives) do
        local text = condition(alternative)
        if router.service == "internal" then
          add("use_backend internal if " .. text)
        elseif routes.services[router.service] then
          add(("use_backend %s if %s"):format(router.service, text))
        end
      end
    end
  end
  add("default_backend not-found")
  return lines
end

local function answer(name, status, text)
  return {
    "",
    "backend " .. name,
    ("    http-request return status %d content-type text/plain lf-string \"%s\\n\""):format(status, text),
  }
end

local function servers(addresses)
  local lines = {}
  for number, address in ipairs(addresses) do
    -- A name is asked for again and again, and need not be known yet.
    local named = address:match("^[%d%.]+:%d+$") and "" or " resolvers docker resolve-prefer ipv4 init-addr none"
    lines[#lines + 1] = ("    server %d %s tcp-ut 5s%s"):format(number, address, named)
  end
  return lines
end

local function backend(name, addresses)
  local lines = {
    "",
    "backend " .. name,
    "    balance roundrobin",
    "    # What changes something is sent again only if it cannot have arrived.",
    "    http-request disable-l7-retry unless METH_GET or METH_OPTIONS",
  }
  return table.move(servers(addresses), 1, #addresses, #lines + 1, lines)
end

-- Connections that go on as they come, their TLS too.
local function passthrough(name, settings, addresses)
  local entry = settings.entrypoints[name]
  local lines = {
    "",
    "listen " .. name,
    "    mode tcp",
    ("    bind %s:%d"):format(entry.host ~= "" and entry.host or "*", entry.port),
  }
  return table.move(servers(addresses), 1, #addresses, #lines + 1, lines)
end

-- Whether an entry point speaks TLS.
function haproxy.is_encrypted(entry) return entry["http.tls"] or entry["http.tls.certresolver"] ~= nil end

-- The whole configuration. While `ending`, health checks fail.
function haproxy.configuration(settings, routes, ending)
  local lines = head(settings)
  local function add(more) table.move(more, 1, #more, #lines + 1, lines) end
  -- The longest rule first, as Traefik has it.
  table.sort(routes.routers, function(left, right)
    if left.priority ~= right.priority then return left.priority > right.priority end
    return left.name < right.name
  end)
  for _, name in ipairs(sorted(settings.entrypoints)) do
    local through = routes.passthrough[name]
    add(through and passthrough(name, settings, through) or frontend(name, settings, routes))
  end
  for _, name in ipairs(sorted(routes.services)) do add(backend(name, routes.services[name])) end
  add(ending and answer("internal", 503, "Service Unavailable") or answer("internal", 200, "OK"))
  add(answer("not-found", 404, "404 page not found"))
  return table.concat(lines, "\n") .. "\n"
end

return haproxy
