import { spawnSync } from 'node:child_process';
import { existsSync, globSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { aptGet } from './apt-get.ts';
import type { Obtained } from './go-program.ts';

const cache = resolve(import.meta.dirname, '../.cache');

/**
 * A program of this machine, else that of its Debian package, unpacked into the cache: installing the package would start
 * a service.
 */
export function obtainDebianProgram(name: string, fromPackage = name): Obtained {
  const folder = join(cache, fromPackage);
  const unpacked = ['usr/bin', 'usr/sbin'].map((part) => join(folder, part, name));
  const known = find(name, unpacked);
  if (known !== undefined) return { file: known };
  mkdirSync(folder, { recursive: true });
  aptGet(['update', '-qq']);
  aptGet(['download', '-qq', fromPackage], folder);
  const [deb] = globSync(`${fromPackage}_*.deb`, { cwd: folder });
  if (deb === undefined) return { missing: `${name} is neither on PATH nor to be had with apt-get` };
  const unpack = `dpkg-deb --fsys-tarfile '${deb}' | tar -x --exclude 'web' --exclude 'doc' && rm '${deb}'`;
  const { stderr } = spawnSync('/bin/sh', ['-c', unpack], { cwd: folder, encoding: 'utf8' });
  const found = find(name, unpacked);
  return found === undefined ? { missing: `${fromPackage} cannot be unpacked: ${stderr}` } : { file: found };
}

function find(name: string, unpacked: readonly string[]): string | undefined {
  const installed = (process.env['PATH'] ?? '').split(':').map((dir) => join(dir, name));
  return [...installed, ...unpacked].find((file) => existsSync(file));
}
