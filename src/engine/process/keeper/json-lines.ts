import type { Socket } from 'node:net';

/** Longest line accepted; an environment of many megabytes is nobody's function. */
const maxLineBytes = 16 * 2 ** 20;

/**
 * Calls back with each JSON line of a socket. A line that is no JSON, or too long, destroys the socket. Returns the way
 * to stop: what follows then stays in the socket, which is paused.
 */
export function readJsonLines(socket: Socket, onMessage: (message: unknown) => void): () => void {
  let parts: Buffer[] = [];
  let length = 0;
  let stopped = false;
  const takeLine = (end: Buffer): void => {
    const line = parts.length === 0 ? end : Buffer.concat([...parts, end]);
    parts = [];
    length = 0;
    const message = parseJson(line);
    if (message === undefined) socket.destroy();
    else onMessage(message);
  };
  const take = (chunk: Buffer): void => {
    let from = 0;
    for (let at = chunk.indexOf(10); at >= 0 && !socket.destroyed && !stopped; at = chunk.indexOf(10, from)) {
      takeLine(chunk.subarray(from, at));
      from = at + 1;
    }
    if (from === chunk.length) return;
    if (stopped) {
      socket.unshift(chunk.subarray(from));
      return;
    }
    parts.push(chunk.subarray(from));
    length += chunk.length - from;
    if (length > maxLineBytes) socket.destroy();
  };
  socket.on('data', take);
  return () => {
    stopped = true;
    socket.off('data', take);
    socket.pause();
  };
}

export function writeJsonLine(socket: Socket, message: unknown): void {
  if (socket.writable) socket.write(`${JSON.stringify(message)}\n`);
}

function parseJson(line: Buffer): unknown {
  try {
    const value: unknown = JSON.parse(line.toString('utf8'));
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
