-- Tables and floats.
local function matrix(n, f)
	local m = {}
	for i = 1, n do
		local row = {}
		for j = 1, n do row[j] = f(i, j) end
		m[i] = row
	end
	return m
end

local function multiply(a, b, n)
	return matrix(n, function(i, j)
		local sum, row = 0.0, a[i]
		for k = 1, n do sum = sum + row[k] * b[k][j] end
		return sum
	end)
end

local n = 140
local a = matrix(n, function(i, j) return (i - j) / n end)
local b = matrix(n, function(i, j) return (i + j) / n end)
local c
for _ = 1, 2 do c = multiply(a, b, n) end
print(string.format("%.6f", c[n // 2][n // 3]))
