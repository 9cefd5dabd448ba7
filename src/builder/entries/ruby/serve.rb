# A server on $PORT: Handler#run gets body and headers, and gives back body, headers and status.
# WEBrick is one of the Gemfile's gems where it is named there, else the machine's.
require "webrick" unless ENV["BUNDLE_PATH"] && File.read("Gemfile.lock").match?(/^ {4}webrick \(/)
require "bundler/setup" if ENV["BUNDLE_PATH"]
require "webrick"
require_relative "handler"

server = WEBrick::HTTPServer.new(
  BindAddress: "127.0.0.1",
  Port: Integer(ENV.fetch("PORT")),
  AccessLog: [],
  Logger: WEBrick::Log.new($stderr, WEBrick::Log::WARN)
)
server.mount_proc("/") do |request, response|
  body, headers, status = Handler.new.run(request.body.to_s, request.header.transform_values { |all| all.join(", ") })
  (headers || {}).each { |name, value| response[name.to_s] = value.to_s }
  response.status = (status || 200).to_i
  response.body = body.to_s
end
# WEBrick answers these by itself otherwise.
%w[PUT PATCH DELETE OPTIONS].each do |verb|
  WEBrick::HTTPServlet::ProcHandler.send(:alias_method, "do_#{verb}", :do_GET)
end
%w[TERM INT].each { |name| trap(name) { server.shutdown } }
server.start
