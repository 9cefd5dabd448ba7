# One process per call: the request is stdin, the answer stdout.
require_relative "handler"

puts Handler.new.run($stdin.binmode.read)
