import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { parse } from 'yaml';
import { startBuilder } from '../../test/support/builder.ts';
import type { TestBuilder } from '../../test/support/builder.ts';
import { packSource } from '../client/pack-source.ts';
import type { Artifact } from '../model/artifact.ts';
import { unpackSource } from './unpack.ts';

const root = resolve(import.meta.dirname, '../..');

interface StackFunction {
  readonly lang: string;
  readonly handler: string;
  readonly image: string;
  readonly fprocess?: string;
}

/** As the CLI and the API do it together. */
async function send(kit: TestBuilder, folder: string, fn: Omit<StackFunction, 'handler'>): Promise<Artifact> {
  const config = { image: fn.image, lang: fn.lang, ...(fn.fprocess === undefined ? {} : { process: fn.fprocess }) };
  const directory = join(kit.stateDir, fn.image.replace(':', '-'));
  const unpacked = await unpackSource(Readable.from(await packSource(folder, config)), directory);
  const { lang, process } = unpacked.config;
  const request = { directory, image: fn.image, language: lang ?? '', ...(process === undefined ? {} : { process }) };
  return (await kit.build({}, request)).artifact;
}

/** Those whose toolchains every machine with the platform has; `npm run test:peers` builds all. */
const ownToolchains = ['c', 'exec', 'node', 'python3', 'python3-classic', 'typescript'];

test('every template that needs no further toolchain builds as it is', async (t) => {
  const kit = await startBuilder();
  t.after(() => kit.dispose());
  for (const name of ownToolchains) {
    const folder = join(root, 'templates', name);
    const { fprocess, language } = parse(readFileSync(join(folder, 'template.yml'), 'utf8')) as Record<string, string>;
    const fn = { image: `${name}:latest`, lang: name, ...(fprocess === undefined ? {} : { fprocess }) };
    const { manifest } = await send(kit, folder, fn);
    assert.ok(manifest.handler ?? manifest.process, name);
    assert.equal(manifest.language, language === 'typescript' ? 'node' : language?.replace('python3', 'python'), name);
  }
});

test('every example builds as the stack file says', async (t) => {
  const kit = await startBuilder();
  t.after(() => kit.dispose());
  const stack = parse(readFileSync(join(root, 'examples/stack.yaml'), 'utf8')) as {
    functions: Record<string, StackFunction>;
  };
  const folders = readdirSync(join(root, 'examples'), { withFileTypes: true }).filter((entry) => entry.isDirectory());
  assert.deepEqual(Object.keys(stack.functions).sort(), folders.map((entry) => entry.name).sort());
  for (const [name, fn] of Object.entries(stack.functions)) {
    const { manifest } = await send(kit, join(root, 'examples', fn.handler), fn);
    if (name === 'py-dependency') assert.deepEqual(manifest.dependencies, { idna: '3.10' });
    if (name === 'fetch-ts') assert.equal(manifest.handler, 'code/handler.mjs');
    if (name === 'wordcount') assert.equal(manifest.process, 'wc');
  }
});
