# Answers one call with body, headers and status; several may run at once.
class Handler
  def run(body, headers)
    name = body.strip.empty? ? "world" : body.strip
    ["hello #{name}\n", { "content-type" => "text/plain" }, 200]
  end
end
