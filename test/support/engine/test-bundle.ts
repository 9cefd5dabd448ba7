import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Manifest } from '../../../src/model/artifact.ts';
import type { Workload } from '../../../src/engine/engine.ts';
import { ownIds } from '../own-ids.ts';
import { testWorkload } from './test-workload.ts';

/** The user of test functions. */
export const testUid = ownIds.first;

/** One program for all behaviours of the conformance suite; serves HTTP so that it can be told to exit. */
const program = `
import { createServer } from 'node:http';
const behaviour = process.env.BEHAVIOUR;
if (behaviour === 'exits') { console.log('about to fail'); process.exit(7); }
if (behaviour === 'ignores-stop') process.on('SIGTERM', () => {});
const server = createServer((request, response) => {
  const exitCode = /^\\/exit\\/(\\d+)$/.exec(request.url)?.[1];
  if (exitCode !== undefined) process.exit(Number(exitCode));
  response.end('ok');
});
if (behaviour === 'never-ready') setInterval(() => {}, 1000);
else server.listen(Number(process.env.PORT), '127.0.0.1', () => console.log('serving'));
`;

/** Writes files of a bundle that everyone can read; resolves paths like a build would. */
export function writeBundle(directory: string, files: Readonly<Record<string, string>>): string {
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text, { mode: 0o755 });
  return directory;
}

/** A workload on a bundle in `directory`; as root it runs as a user of its own. */
export function bundleWorkload(
  name: string,
  directory: string,
  manifest: Partial<Manifest>,
  changes: Parameters<typeof testWorkload>[1] = {},
): Workload {
  const base = testWorkload(name, changes);
  const identity = process.getuid?.() === 0 ? { identity: { uid: testUid, gid: testUid } } : {};
  const artifact = { ...base.artifact, directory, manifest: { ...base.artifact.manifest, ...manifest } };
  return { ...base, ...identity, artifact };
}

/** A workload of the conformance suite. */
export function behaviourWorkload(directory: string, name: string, behaviour: string): Workload {
  writeBundle(directory, { 'program.mjs': program });
  const manifest = { language: 'exec', mode: 'http', process: 'node program.mjs' } as const;
  return bundleWorkload(name, directory, manifest, { env: { BEHAVIOUR: behaviour } });
}
