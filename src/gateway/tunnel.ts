import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { RawHeaders, UpgradedReply } from '../model/invocation.ts';
import { STATUS_CODES } from '../model/node-http.ts';
import { replyHead } from './reply-head.ts';

/**
 * Answers the client's switch of protocols and joins both sockets until both sides ended; a side that breaks takes the
 * other with it. `head` is what the client sent right after its request. A tunnel may be silent as long as it likes;
 * once one side ended, the other has `lingerMs` to do so too, or a function would hold the slot of a client long gone.
 */
export function openTunnel(
  client: Socket,
  head: Buffer,
  reply: UpgradedReply,
  own: RawHeaders,
  lingerMs: number,
): void {
  const lines = [`HTTP/1.1 101 ${STATUS_CODES[101]}`, 'Connection: Upgrade', 'Upgrade: websocket'];
  const headers = replyHead({ ...reply, status: 200 }, own, false);
  for (let index = 0; index + 1 < headers.length; index += 2) lines.push(`${headers[index]}: ${headers[index + 1]}`);
  client.write(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
  if (head.length > 0) client.unshift(head);
  client.setNoDelay(true);
  join(client, reply.socket, lingerMs);
  join(reply.socket, client, lingerMs);
}

function join(from: Duplex, to: Duplex, lingerMs: number): void {
  from.pipe(to);
  from.on('end', () => {
    if (to.destroyed) return;
    const linger = setTimeout(() => to.destroy(), lingerMs);
    to.once('close', () => clearTimeout(linger));
  });
  from.on('error', () => to.destroy());
  from.on('close', () => {
    // What was read is still to be delivered; after that nobody is left to talk to.
    if (from.readableEnded) to.end(() => to.destroy());
    else to.destroy();
  });
}
