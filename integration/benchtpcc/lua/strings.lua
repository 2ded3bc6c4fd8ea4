-- Formats, patterns, concatenation and tables with strings as keys.
local words, counts = {}, {}
for i = 1, 20000 do
	words[i] = string.format("word%d-%05.2f", i % 997, i / 7)
end
local text = table.concat(words, " ")
for w in text:gmatch("(%a+%d+)%-") do
	counts[w] = (counts[w] or 0) + 1
end
local keys = {}
for k in pairs(counts) do keys[#keys + 1] = k end
table.sort(keys)
local upper = text:gsub("word(%d+)", function(n) return "W" .. n + 1 end):upper()
print(#keys, counts.word7, #upper, upper:find("W500%-", 1), text:reverse():sub(1, 20))
