import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { formatUpstreamHead } from '../upstream-head.ts';
import type { UpstreamAddress } from '../upstream-connection.ts';
import { readRequest } from './http-request.ts';

/**
 * Hands a connection that changes its protocol, such as a WebSocket, to the function's server: what it answers goes
 * back as it is, and so does all that follows. `onOver` is called once, when either side has closed.
 */
export function openTunnel(
  request: IncomingMessage,
  client: Duplex,
  first: Buffer,
  address: UpstreamAddress,
  onOver: () => void,
): void {
  const { head } = readRequest(request);
  const upgrade = request.headers.upgrade ?? '';
  const text = formatUpstreamHead({ ...head, contentLength: 0 }, false).slice(0, -2);
  const upstream = connect({ ...address, autoSelectFamily: true });
  let isOver = false;
  const end = (): void => {
    upstream.destroy();
    client.destroy();
    if (!isOver) onOver();
    isOver = true;
  };
  upstream.on('connect', () => {
    upstream.write(`${text}Connection: Upgrade\r\nUpgrade: ${upgrade}\r\n\r\n`, 'latin1');
    if (first.length > 0) upstream.write(first);
    upstream.pipe(client);
    client.pipe(upstream);
  });
  for (const side of [upstream, client]) {
    side.on('error', end);
    side.on('close', end);
  }
}
