-- Rules of routers: from Traefik's text to alternatives, each a list of conditions that must all hold.
-- https://doc.traefik.io/traefik/reference/routing-configuration/http/routing/rules-and-priority/

local rules = {}

-- What a rule may ask of a request, and the characters that the answer may consist of.
local matchers = {
  Host = "^[%w%.%-_]+$",
  Path = "^/[%w%.%-_~/%%]*$",
  PathPrefix = "^/[%w%.%-_~/%%]*$",
}

local function tokens(text)
  local list, position = {}, 1
  while true do
    position = text:find("%S", position)
    if not position then return list end
    local rest = text:sub(position)
    local token = rest:match("^&&") or rest:match("^||") or rest:match("^[!(),]") or rest:match("^%a+")
      or rest:match("^`[^`]*`") or rest:match('^"[^"]*"')
    if not token then error(("`%s` is not understood"):format(rest), 0) end
    list[#list + 1] = token
    position = position + #token
  end
end

local function tree(list)
  local position = 1
  local expression

  local function expect(token)
    if list[position] ~= token then
      error(("`%s` expected, found `%s`"):format(token, list[position] or "the end"), 0)
    end
    position = position + 1
  end

  local function matcher()
    local name = list[position]
    local allowed = matchers[name or ""]
    if not allowed then error(("`%s` is not a matcher that this stand-in knows"):format(name or "the end"), 0) end
    position = position + 1
    expect("(")
    local any = { operator = "or" }
    repeat
      local value = (list[position] or ""):match("^[`\"](.*)[`\"]$")
      if not value then error(("%s needs a quoted text"):format(name), 0) end
      if not value:match(allowed) then error(("`%s` does not fit %s"):format(value, name), 0) end
      any[#any + 1] = { name = name, value = name == "Host" and value:lower() or value }
      position = position + 1
      local more = list[position] == ","
      if more then position = position + 1 end
    until not more
    expect(")")
    return any
  end

  local function factor()
    if list[position] == "!" then
      position = position + 1
      return { operator = "not", factor() }
    elseif list[position] == "(" then
      position = position + 1
      local inner = expression()
      expect(")")
      return inner
    end
    return matcher()
  end

  local function chain(symbol, operator, operand)
    local node = { operator = operator, operand() }
    while list[position] == symbol do
      position = position + 1
      node[#node + 1] = operand()
    end
    return node
  end

  function expression()
    return chain("||", "or", function() return chain("&&", "and", factor) end)
  end

  local whole = expression()
  if list[position] then error(("`%s` comes unexpectedly"):format(list[position]), 0) end
  return whole
end

-- Every way in which a node holds (or does not, when `negated`).
local function alternatives(node, negated)
  if node.name then return { { { name = node.name, value = node.value, negated = negated } } } end
  if node.operator == "not" then return alternatives(node[1], not negated) end
  if (node.operator == "or") ~= negated then
    local all = {}
    for _, child in ipairs(node) do
      for _, one in ipairs(alternatives(child, negated)) do all[#all + 1] = one end
    end
    return all
  end
  local all = { {} }
  for _, child in ipairs(node) do
    local longer = {}
    for _, left in ipairs(all) do
      for _, right in ipairs(alternatives(child, negated)) do
        local both = table.move(left, 1, #left, 1, {})
        longer[#longer + 1] = table.move(right, 1, #right, #both + 1, both)
      end
    end
    all = longer
  end
  return all
end

-- From a rule's text to its alternatives, or to nil and what is wrong.
function rules.parse(text)
  local fine, result = pcall(function() return alternatives(tree(tokens(text)), false) end)
  if fine then return result end
  return nil, result
end

return rules
