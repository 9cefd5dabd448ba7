// The baseline: the least a Node HTTP server can do, in a process of its own.
import { createServer } from 'node:http';

const body = Buffer.from('hello\n');
const server = createServer((_request, response) => {
  response.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Length': body.length });
  response.end(body);
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (typeof address === 'object' && address !== null) console.log(address.port);
});
