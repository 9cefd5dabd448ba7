import { constants, fstatSync, openSync, closeSync, realpathSync, type Stats } from 'node:fs';
import { join, sep } from 'node:path';

/** An open file to be served. */
export interface FoundFile {
  readonly kind: 'file';
  readonly fd: number;
  readonly facts: Stats;
  readonly path: string;
}

export type Found = FoundFile | { readonly kind: 'folder' | 'absent' };

/** What is hidden stays so, but for what the web agreed on (RFC 8615). */
const hidden = /(^|\/)\.(?!well-known(\/|$))/;

/**
 * Opens the file of a folder that a decoded path names; `folder` when it is one. Absent as well: what lies outside, also
 * by a link, what is hidden, what is no regular file, what may not be read.
 */
export function findStaticFile(root: string, path: string): Found {
  if (path.includes('\0') || path.includes('\\') || hidden.test(path)) return { kind: 'absent' };
  let fd: number | undefined;
  try {
    const real = realpathSync(join(root, path));
    if (real !== root && !real.startsWith(root.endsWith(sep) ? root : root + sep)) return { kind: 'absent' };
    // Not blocking: a pipe without a writer would stop everybody.
    fd = openSync(real, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
    const facts = fstatSync(fd);
    if (facts.isFile()) return { kind: 'file', fd, facts, path: real };
    closeSync(fd);
    return { kind: facts.isDirectory() ? 'folder' : 'absent' };
  } catch {
    if (fd !== undefined) closeSync(fd);
    return { kind: 'absent' };
  }
}
