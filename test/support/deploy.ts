import assert from 'node:assert/strict';
import { buffer } from 'node:stream/consumers';
import { pack } from 'tar-stream';
import type { SealedSecrets } from '../../src/model/sealed-secrets.ts';
import type { TestPlatform } from './platform.ts';
import { until } from './until.ts';

/** What a build makes of the files; see the config entry of a source archive. */
export interface BuildSettings {
  readonly lang?: string;
  readonly process?: string;
  readonly mode?: string;
}

/** A source archive of files given as path → text; `sealed` are the build's secrets. */
export async function sourceArchive(
  config: object,
  files: Readonly<Record<string, string>>,
  sealed?: SealedSecrets,
): Promise<Buffer> {
  const archive = pack();
  if (sealed !== undefined) archive.entry({ name: 'com.openfaas.secrets' }, JSON.stringify(sealed));
  archive.entry({ name: 'com.openfaas.docker.config' }, JSON.stringify({ buildArgs: {}, ...config }));
  for (const [name, text] of Object.entries(files)) archive.entry({ name: `context/${name}` }, text);
  archive.finalize();
  return buffer(archive);
}

/** Builds the files under an image name, or fails the test with the build's log. */
export async function buildImage(
  platform: TestPlatform,
  image: string,
  files: Readonly<Record<string, string>>,
  settings: BuildSettings = {},
): Promise<void> {
  const body = await sourceArchive({ image, ...settings }, files);
  const answer = await platform.fetch('/build', { method: 'POST', body: new Uint8Array(body) });
  const result = await answer.text();
  assert.equal(answer.status, 200, result);
  assert.match(result, /"status":"success"/);
}

/** Builds and deploys, and waits until it is ready; `spec` adds to the deployment. */
export async function deployFiles(
  platform: TestPlatform,
  name: string,
  files: Readonly<Record<string, string>>,
  settings: BuildSettings & { readonly spec?: object } = {},
): Promise<void> {
  const { spec, ...build } = settings;
  await buildImage(platform, `${name}:1`, files, build);
  const body = JSON.stringify({ service: name, image: `${name}:1`, ...spec });
  const answer = await platform.fetch('/system/functions', { method: 'POST', body });
  assert.equal(answer.status, 202, await answer.text());
  await until(`${name} is ready`, async () => {
    const status = await platform.fetch(`/system/function/${name}`);
    return ((await status.json()) as { availableReplicas: number }).availableReplicas > 0;
  });
}
