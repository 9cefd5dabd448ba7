-- Runs in a process of its own for each call: gets the body, returns the answer.
return function(body)
  local name = body:match("^%s*(.-)%s*$")
  return "hello " .. (name == "" and "world" or name) .. "\n"
end
