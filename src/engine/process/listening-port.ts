import { readFile, readdir, readlink } from 'node:fs/promises';
import { connect } from 'node:net';

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

/** Sockets that listen on a port, from the text of /proc/net/tcp or tcp6; most of its many lines are not looked at. */
export function parseListeners(table: string, port: number): readonly Listener[] {
  const mark = `:${port.toString(16).toUpperCase().padStart(4, '0')} `;
  const found: Listener[] = [];
  for (let at = table.indexOf(mark); at >= 0; at = table.indexOf(mark, at + 1)) {
    const end = table.indexOf('\n', at);
    const line = table.slice(table.lastIndexOf('\n', at) + 1, end < 0 ? undefined : end);
    const [, local = '', , state, , , , uid, , inode = ''] = line.trim().split(/\s+/);
    if (state === listenState && `${local} `.endsWith(mark)) found.push({ inode, uid: Number(uid) });
  }
  return found;
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
