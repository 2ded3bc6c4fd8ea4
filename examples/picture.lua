-- Draws the Mandelbrot set, a line at a time, with digits of pi beside it, and
-- says of each line on what machine it was drawn. All that it has to remember
-- meanwhile is on the heap and stack of the interpreter: two coroutines, their
-- tables and closures, and what it has drawn.
local width, height, depth, digits = 64, 24, 30000, 10

-- machine is what the kernel says that it runs on.
local function machine()
  local file <close> = io.open("/proc/sys/kernel/arch")
  return file and file:read("l") or "here"
end

-- escape is after how many steps a point leaves the circle of radius 2.
local function escape(x, y)
  local a, b = 0.0, 0.0
  for step = 1, depth do
    a, b = a * a - b * b + x, 2 * a * b + y
    if a * a + b * b > 4 then return step end
  end
end

local function shade(steps)
  local shades = ".,:;-=+*%#"
  local i = steps and math.min(#shades, 1 + math.floor(2 * math.log(steps)))
  return steps and shades:sub(i, i) or " "
end

local rows = coroutine.wrap(function()
  for row = 0, height - 1 do
    local points = {}
    for column = 0, width - 1 do
      points[#points + 1] = shade(escape(-2.2 + 3.2 * column / width, -1.15 + 2.3 * row / (height - 1)))
    end
    coroutine.yield(table.concat(points))
  end
end)

-- pi gives one decimal digit after the other, by the series
-- pi = 2 + 1/3 (2 + 2/5 (2 + 3/7 (2 + ...))), whose coefficients are multiplied
-- by ten for each digit, with what is too much for one carried to the next.
local pi = coroutine.wrap(function()
  local series, held, nines = {}, nil, 0
  for i = 1, height * digits * 10 // 3 + 2 do series[i] = 2 end
  local function give(digit) if digit then coroutine.yield(digit) end end
  while true do
    local carry = 0
    for i = #series, 2, -1 do
      local value = series[i] * 10 + carry
      series[i] = value % (2 * i - 1)
      carry = value // (2 * i - 1) * (i - 1)
    end
    local value = series[1] * 10 + carry
    series[1] = value % 10
    local digit = value // 10
    if digit == 9 then -- the next carry may go through it
      nines = nines + 1
    else
      local overflow = digit // 10
      give(held and held + overflow)
      for _ = 1, nines do give((9 + overflow) % 10) end
      held, nines = digit % 10, 0
    end
  end
end)

local drawn, lives = {}, {}
for line = 1, height do
  local row, decimals = rows(), {}
  for i = 1, digits do decimals[i] = pi() end
  drawn[line] = row .. "  " .. table.concat(decimals)
  local here = machine()
  if not lives[#lives] or lives[#lives].machine ~= here then lives[#lives + 1] = {machine = here, first = line} end
  lives[#lives].last = line
  print(("%-9s%s"):format(here, drawn[line]))
  io.stdout:flush()
end

for i, life in ipairs(lives) do lives[i] = ("lines %d to %d on %s"):format(life.first, life.last, life.machine) end
print(("%-9s%s"):format(machine(), table.concat(lives, ", ")))
