# One process per call: the request is stdin, the answer stdout.
require "bundler/setup" if ENV["BUNDLE_PATH"]
require_relative "handler"

puts Handler.new.run($stdin.binmode.read)
