-- Works for ever, and prints a line now and then. It has all of Lua's kinds of
-- values on its heap and stack: a generator nested in another one, closures,
-- tables with metatables, long and short strings, floats, and an open file.
local file = assert(io.tmpfile())
local total = setmetatable({}, {__index = function(_, k) return #k end})

local function primes()
  return coroutine.wrap(function()
    local found = {}
    for n = 2, math.huge do
      local prime = true
      for _, p in ipairs(found) do
        if p * p > n then break end
        if n % p == 0 then prime = false break end
      end
      if prime then
        found[#found + 1] = n
        coroutine.yield(n)
      end
    end
  end)
end

local function batches(size)
  return coroutine.wrap(function()
    local batch = {}
    for p in primes() do
      batch[#batch + 1] = p
      if #batch == size then
        coroutine.yield(batch)
        batch = {}
      end
    end
  end)
end

local line = 0
for batch in batches(150) do
  line = line + 1
  table.sort(batch, function(a, b) return a % 97 < b % 97 or a % 97 == b % 97 and a < b end)
  local text = table.concat(batch, " "):gsub("%d+", function(d) return ("%x"):format(d) end)
  local ok, err = pcall(error, {code = batch[1]})
  total[text:sub(1, 8)] = total[text:sub(1, 8)] + math.sqrt(batch[#batch])
  file:write(text, "\n")
  local sum = 0 -- of integers, as the order of a table's keys differs from run to run
  for _, v in pairs(total) do sum = sum + math.floor(v * 1e6) end
  file:seek("set", (line * 7919) % file:seek("end"))
  local back = file:read("l") or ""
  file:seek("end")
  print(line, #text, not ok and err.code, sum, ("%.17g"):format(batch[#batch] ^ 0.3), #back, _VERSION, (collectgarbage("count") > 0))
  io.stdout:flush()
end
