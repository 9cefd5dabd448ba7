import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import { startBuilder, type TestBuilder } from '../support/builder.ts';
import { requirement } from '../support/require.ts';
import { tempDir } from '../support/temp-dir.ts';
import { type CountingProxy, startCountingProxy } from './counting-proxy.ts';
import { installToolchain, type Toolchain } from './toolchains.ts';

const golang = { programs: ['go'], packages: ['golang-go'] };
const rust = { programs: ['cargo', 'rustc', 'cc'], packages: ['cargo-web', 'rustc-web', 'gcc', 'libc6-dev'] };
const jvm = { programs: ['javac', 'mvn'], packages: ['default-jdk-headless', 'maven'] };

const templates = resolve(import.meta.dirname, '../../templates');

interface World {
  readonly kit: TestBuilder;
  readonly proxy: CountingProxy;
}

/** Hosts that Go asks by itself: for modules, and for their checksums. */
function goHosts(t: TestContext): readonly [string, string] {
  const env = { PATH: process.env['PATH'], HOME: tempDir(t), GOENV: 'off' };
  const asked = spawnSync('go', ['env', 'GOPROXY', 'GOSUMDB'], { env, encoding: 'utf8' });
  const [proxies = '', sums = ''] = asked.stdout.trim().split('\n');
  return [new URL(proxies.split(',')[0] ?? '').host, sums];
}

/** A builder whose builds reach registries through the proxy alone. */
async function start(t: TestContext, toolchain: Toolchain): Promise<World | undefined> {
  const missing = installToolchain(toolchain);
  if (!requirement(t, missing.length === 0, `${missing.join(' and ')} cannot be had here`)) return undefined;
  const proxy = await startCountingProxy(t);
  const env = { HTTPS_PROXY: proxy.url, https_proxy: proxy.url };
  const kit = await startBuilder({ env, timeoutMs: 900_000, memoryBytes: 2 ** 31, diskBytes: 2 ** 31 });
  t.after(() => kit.dispose());
  return { kit, proxy };
}

suite('what a build fetched, the next one of the namespace takes from the cache', () => {
  test('Go: with go.sum nobody is asked again', { timeout: 1_200_000 }, async (t) => {
    const world = await start(t, golang);
    if (world === undefined) return;
    const { kit, proxy } = world;
    const source = (word: string, files: Readonly<Record<string, string>>): Record<string, string> => ({
      'handler.go': `package function

import "golang.org/x/text/cases"
import "golang.org/x/text/language"

func Handle(req []byte) string { return cases.Title(language.English).String("${word}") }
`,
      ...files,
    });
    const first = await kit.build(source('one', { 'go.mod': 'module handler\n\ngo 1.21\n' }), { language: 'go' });
    const [moduleProxy, sums] = goHosts(t);
    assert.deepEqual(
      proxy.asked().filter((host) => host !== sums),
      [moduleProxy],
    );
    const written = (name: string): string => readFileSync(join(first.artifact.directory, 'code', name), 'utf8');
    const locked = { 'go.mod': written('go.mod'), 'go.sum': written('go.sum') };
    const second = await kit.build(source('two', locked), { language: 'go' });
    assert.deepEqual(proxy.asked(), []);
    assert.ok(second.artifact.manifest.dependencies['golang.org/x/text']);
    await kit.build(source('three', locked), { language: 'go', namespace: 'other' });
    assert.notDeepEqual(proxy.asked(), [], 'what one namespace fetched is no other’s');
  });

  test('Rust: every crate is there without a network', { timeout: 1_200_000 }, async (t) => {
    const world = await start(t, rust);
    if (world === undefined) return;
    const { kit, proxy } = world;
    const source = (word: string): Record<string, string> => ({
      'Cargo.toml': '[package]\nname = "f"\nversion = "0.1.0"\nedition = "2021"\n[dependencies]\nitoa = "1"\n',
      'src/main.rs': `fn main() { println!("{} ${word}", itoa::Buffer::new().format(1)); }\n`,
    });
    await kit.build(source('one'), { language: 'rust' });
    assert.notDeepEqual(proxy.asked(), []);
    const offline = { language: 'rust', buildArgs: { CARGO_NET_OFFLINE: 'true' } };
    await kit.build(source('two'), offline);
    const other = kit.build(source('three'), { ...offline, namespace: 'other' });
    await assert.rejects(other, { code: 'build-failed', message: /offline/ });
    assert.deepEqual(proxy.asked(), []);
  });

  test('Java: Maven goes without a network', { timeout: 1_200_000 }, async (t) => {
    const world = await start(t, jvm);
    if (world === undefined) return;
    const { kit } = world;
    const template = (path: string): string => readFileSync(join(templates, 'java', path), 'utf8');
    const source = (files: Readonly<Record<string, string>>): Record<string, string> => ({
      'pom.xml': template('pom.xml'),
      'src/main/java/function/Handler.java': template('src/main/java/function/Handler.java'),
      ...files,
    });
    await kit.build(source({}), { language: 'java' });
    const offline = { '.mvn/maven.config': '--offline\n' };
    await kit.build(source(offline), { language: 'java' });
    const other = kit.build(source(offline), { language: 'java', namespace: 'other' });
    await assert.rejects(other, { code: 'build-failed', message: /offline mode/ });
  });
});
