import { spawnSync } from 'node:child_process';

/** Whether `apt-get` did it; as root it waits for the suites beside it, since apt's own locks refuse a second one at once. */
export function aptGet(words: readonly string[], cwd?: string): boolean {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const turn = process.getuid?.() === 0 ? ['flock', '/var/lib/apt'] : [];
  const [command = '', ...args] = [...turn, 'apt-get', ...words];
  return spawnSync(command, args, { env, cwd }).status === 0;
}
