import { type FileHandle, open, readdir, readlink } from 'node:fs/promises';
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

/** Who a port may belong to. */
export interface PortOwner {
  readonly port: number;
  /** Its user, if no other program has the same. */
  readonly uid: number | undefined;
  /** Its processes; only asked for where the user does not decide. */
  pids(): Promise<readonly number[]>;
}

/** The beginnings of /proc/net/tcp and tcp6; each undefined where it cannot be read. */
export type ListenerTables = readonly (string | undefined)[];

const listenState = '0A';
const chunkBytes = 16 * 1024;

/** All sockets that listen now. The kernel tells them before all others, so a thousand connections cost nothing. */
export function readListenerTables(): Promise<ListenerTables> {
  return Promise.all(['/proc/net/tcp', '/proc/net/tcp6'].map((file) => readListeners(file).catch(() => undefined)));
}

/** Sockets that listen on a port, from the text of /proc/net/tcp or tcp6; most of its lines are not looked at. */
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
 * Whether somebody listens on the port, and every listener is the owner's. True as well where the system does not tell
 * (no /proc): then the port's answer has to do.
 */
export async function ownsPort(owner: PortOwner, tables: ListenerTables): Promise<boolean> {
  const { port, uid } = owner;
  if (tables.every((table) => table === undefined)) return true;
  const listeners = tables.flatMap((table) => parseListeners(table ?? '', port));
  const others = listeners.filter((listener) => uid === undefined || listener.uid !== uid);
  if (others.length === 0) return listeners.length > 0;
  const inodes = new Set((await Promise.all((await owner.pids()).map(socketInodes))).flat());
  return others.every(({ inode }) => inodes.has(inode));
}

async function readListeners(path: string): Promise<string> {
  const file = await open(path);
  try {
    return await readWhileListening(file);
  } finally {
    await file.close();
  }
}

async function readWhileListening(file: FileHandle): Promise<string> {
  let text = '';
  for (;;) {
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(chunkBytes), 0, chunkBytes);
    text += buffer.toString('latin1', 0, bytesRead);
    const [last = ''] = text.split('\n').slice(-2);
    const state = last.trim().split(/\s+/)[3];
    if (bytesRead === 0 || (state !== listenState && state !== 'st')) return text;
  }
}

async function socketInodes(pid: number): Promise<string[]> {
  const directory = `/proc/${pid}/fd`;
  const names = await readdir(directory).catch(() => []);
  const links = await Promise.all(names.map((name) => readlink(`${directory}/${name}`).catch(() => '')));
  return links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []);
}
