import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, globSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import type { Obtained } from './go-program.ts';

const cache = resolve(import.meta.dirname, '../.cache');

/**
 * The Prometheus of this machine, else that of its Debian package, unpacked into the cache: installing the package would
 * start a service.
 */
export function obtainPrometheus(): Obtained {
  const installed = (process.env['PATH'] ?? '').split(':').map((dir) => join(dir, 'prometheus'));
  const folder = join(cache, 'prometheus');
  const file = [...installed, join(folder, 'usr/bin/prometheus')].find(existsSync);
  if (file !== undefined) return { file };
  mkdirSync(folder, { recursive: true });
  const steps = [
    ['apt-get', 'update', '-qq'],
    ['apt-get', 'download', '-qq', 'prometheus'],
  ];
  for (const [command = '', ...args] of steps) spawnSync(command, args, { cwd: folder });
  const [deb] = globSync('prometheus_*.deb', { cwd: folder });
  if (deb === undefined) return { missing: 'prometheus is neither on PATH nor to be had with apt-get' };
  const unpack = `dpkg-deb --fsys-tarfile '${deb}' | tar -x ./usr/bin/prometheus && rm '${deb}'`;
  const unpacked = spawnSync('/bin/sh', ['-c', unpack], { cwd: folder, encoding: 'utf8' });
  const found = join(folder, 'usr/bin/prometheus');
  return existsSync(found) ? { file: found } : { missing: `prometheus cannot be unpacked: ${unpacked.stderr}` };
}

/** A Prometheus that scrapes one target every 200 ms. */
export interface RunningPrometheus {
  readonly url: string;
  /** Series of an instant query, each with its labels and value. */
  query(
    text: string,
  ): Promise<readonly { readonly labels: Readonly<Record<string, string>>; readonly value: number }[]>;
  close(): Promise<void>;
}

export async function startPrometheus(file: string, dir: string, target: string): Promise<RunningPrometheus> {
  const config = join(dir, 'prometheus.yml');
  writeFileSync(
    config,
    [
      'global: { scrape_interval: 200ms, scrape_timeout: 200ms }',
      'scrape_configs:',
      '  - job_name: tinderbox',
      `    static_configs: [{ targets: ["${target}"] }]\n`,
    ].join('\n'),
  );
  const port = await freePort();
  const args = [`--config.file=${config}`, `--storage.tsdb.path=${join(dir, 'data')}`, '--log.level=error'];
  const child = spawn(file, [...args, `--web.listen-address=127.0.0.1:${port}`], { cwd: dir, stdio: 'ignore' });
  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    async query(text) {
      const answer = await fetch(`${url}/api/v1/query?query=${encodeURIComponent(text)}`).catch(() => undefined);
      if (answer?.status !== 200) return [];
      const { data } = (await answer.json()) as {
        data: { result: { metric: Record<string, string>; value: [number, string] }[] };
      };
      return data.result.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }));
    },
    close: () => end(child),
  };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  await exited;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}
