-- One process per call: the request is stdin, the answer stdout.
local version = _VERSION:match("%d+%.%d+")
package.path = "./?.lua;./lua_modules/share/lua/" .. version .. "/?.lua;./lua_modules/share/lua/"
  .. version .. "/?/init.lua;" .. package.path
package.cpath = "./lua_modules/lib/lua/" .. version .. "/?.so;" .. package.cpath

local handler = require("handler")
local handle = type(handler) == "table" and handler.handle or handler
io.write(handle(io.read("a")))
