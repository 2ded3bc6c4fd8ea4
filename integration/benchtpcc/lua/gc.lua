-- Many short-lived objects among some that stay.
local function tree(depth)
	if depth == 0 then return {} end
	return { tree(depth - 1), tree(depth - 1) }
end

local function count(t)
	if not t[1] then return 1 end
	return 1 + count(t[1]) + count(t[2])
end

local stays = tree(14)
local total = 0
for _ = 1, 40 do total = total + count(tree(10)) end
print(total, count(stays))
