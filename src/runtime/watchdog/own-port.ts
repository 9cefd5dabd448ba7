import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';

const tables = ['/proc/net/tcp', '/proc/net/tcp6'];
const listening = '0A';

/** A port nobody listens on at this moment. */
export async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/**
 * Whether whoever listens on a port is of this process's own user, which no other function's program is. True as well
 * where the system does not tell.
 */
export async function ownsPort(port: number): Promise<boolean> {
  const texts = await Promise.all(tables.map((file) => readFile(file, 'utf8').catch(() => undefined)));
  const mark = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const uids = texts.flatMap((text) =>
    (text ?? '').split('\n').flatMap((line) => {
      const [, local = '', , state, , , , uid] = line.trim().split(/\s+/);
      return local.endsWith(mark) && state === listening ? [Number(uid)] : [];
    }),
  );
  if (texts.every((text) => text === undefined)) return true;
  return uids.length > 0 && uids.every((uid) => uid === process.getuid?.());
}
