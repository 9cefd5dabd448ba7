local handle = require("handler")

for body, wanted in pairs({ ["you\n"] = "hello you\n", [""] = "hello world\n" }) do
  local answer = handle(body)
  assert(answer == wanted, ("got %q, not %q"):format(answer, wanted))
end
print("ok")
