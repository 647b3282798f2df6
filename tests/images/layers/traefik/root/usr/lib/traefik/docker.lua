-- Docker's API over TCP: from a path and filters to the text of the answer.
-- https://docs.docker.com/engine/api/v1.41/

local http = require("socket.http")
local json = require("cjson")
local ltn12 = require("ltn12")
local socket = require("socket")
local url = require("socket.url")

local docker = {}

-- A name may stand for several machines; one that is gone must not take the time of the others.
local CONNECT_SECONDS = 2
-- A busy manager under emulation takes its time.
local ANSWER_SECONDS = 15

local function connection()
  local tcp = socket.tcp()
  local function forwarded(_, method)
    return function(_, ...) return tcp[method](tcp, ...) end
  end
  local function connect(_, host, port)
    tcp:settimeout(CONNECT_SECONDS)
    local fine, problem = tcp:connect(host, port)
    tcp:settimeout(ANSWER_SECONDS)
    return fine, problem
  end
  return setmetatable({ connect = connect }, { __index = forwarded })
end

-- The body of `GET <endpoint><path>`, or nil and why there is none.
function docker.get(endpoint, path, filters)
  local parts = {}
  local fine, status = http.request({
    url = endpoint .. path .. "?filters=" .. url.escape(json.encode(filters)),
    sink = ltn12.sink.table(parts),
    create = connection,
    redirect = false,
  })
  local body = table.concat(parts)
  if not fine then return nil, ("GET %s: %s"):format(path, status) end
  if status ~= 200 then return nil, ("GET %s: status %d: %s"):format(path, status, body:sub(1, 200)) end
  return body
end

-- A list out of such a body, or nil and what is wrong with it.
function docker.list(body)
  local fine, list = pcall(json.decode, body)
  if fine and type(list) == "table" then return list end
  return nil, "the answer is not a list: " .. body:sub(1, 200)
end

return docker
