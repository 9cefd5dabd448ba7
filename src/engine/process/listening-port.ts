import { readFile, readdir, readlink } from 'node:fs/promises';
import { type AddressInfo, connect, createServer } from 'node:net';

/** A port nobody listens on now. Somebody may be quicker: that is why the listener's owner is looked at later. */
export function chooseFreePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

/** Whether something accepts connections there. */
export function acceptsConnections(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

interface Listener {
  readonly inode: string;
  readonly uid: number;
}

const listenState = '0A';

/** Sockets that listen on a port, from the text of /proc/net/tcp or tcp6. */
export function parseListeners(table: string, port: number): readonly Listener[] {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return table.split('\n').flatMap((line) => {
    const fields = line.trim().split(/\s+/);
    const [, local = '', , state, , , , uid, , inode = ''] = fields;
    return state === listenState && local.endsWith(suffix) ? [{ inode, uid: Number(uid) }] : [];
  });
}

/**
 * Whether every listener of a port belongs to one of these processes, or to the function's own user. True as well
 * where the system does not tell (no /proc): then the port's answer has to do.
 */
export async function ownsPort(port: number, pids: readonly number[], uid: number | undefined): Promise<boolean> {
  const tables = await Promise.all(['/proc/net/tcp', '/proc/net/tcp6'].map((file) => readText(file)));
  if (tables.every((table) => table === undefined)) return true;
  const listeners = tables.flatMap((table) => parseListeners(table ?? '', port));
  if (listeners.length === 0) return false;
  const inodes = new Set((await Promise.all(pids.map(socketInodes))).flat());
  return listeners.every((listener) => inodes.has(listener.inode) || (uid !== undefined && listener.uid === uid));
}

async function socketInodes(pid: number): Promise<string[]> {
  const directory = `/proc/${pid}/fd`;
  const names = await readdir(directory).catch(() => []);
  const links = await Promise.all(names.map((name) => readlink(`${directory}/${name}`).catch(() => '')));
  return links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []);
}

async function readText(file: string): Promise<string | undefined> {
  return await readFile(file, 'utf8').catch(() => undefined);
}
