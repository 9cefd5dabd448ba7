import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import { startBuilder, type TestBuilder } from '../support/builder.ts';
import { requirement } from '../support/require.ts';
import { tempDir } from '../support/temp-dir.ts';
import { type StaticRegistry, startStaticRegistry } from './static-registry.ts';
import { installToolchain, systemPath, type Toolchain } from './toolchains.ts';

type Built = Awaited<ReturnType<TestBuilder['build']>>['artifact'];

interface World {
  readonly kit: TestBuilder;
  readonly registry: StaticRegistry;
  /** Where the registry's files are. */
  readonly folder: string;
}

/** A registry whose packages the test itself makes, with the tools of the language. */
async function start(
  t: TestContext,
  toolchain: Toolchain,
  settings: (url: string) => Readonly<Record<string, string>>,
): Promise<World | undefined> {
  const missing = installToolchain(toolchain);
  if (!requirement(t, missing.length === 0, `${missing.join(' and ')} cannot be had here`)) return undefined;
  const folder = tempDir(t, 0o755);
  const registry = await startStaticRegistry(t, folder);
  // As a platform has it by default: some of these tools write to /tmp, whatever TMPDIR says.
  const parent = process.getuid?.() === 0 ? '/var/lib' : homedir();
  const kit = await startBuilder({ env: settings(registry.url), toolPath: systemPath }, parent);
  t.after(() => kit.dispose());
  return { kit, registry, folder };
}

function write(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}

function make(cwd: string, command: string): void {
  execFileSync('/bin/sh', ['-ec', command], { cwd, env: { PATH: systemPath, HOME: cwd }, stdio: 'pipe' });
}

/** One call of a function that is a process per call. */
function call({ manifest, directory }: Built, input: string): string {
  const [file = '', ...args] = (manifest.process ?? '').split(' ');
  const env = { PATH: systemPath, ...manifest.env };
  const { stdout, stderr } = spawnSync(file, args, { cwd: join(directory, 'code'), env, input, encoding: 'utf8' });
  return `${stdout}${stderr}`.trim();
}

const longMs = 600_000;

suite('a build installs what its file names, from the registry it is told', () => {
  test('Ruby: gems with bundler, each fetched once for a namespace', { timeout: longMs }, async (t) => {
    const tools = { programs: ['ruby', 'bundle'], packages: ['ruby', 'ruby-bundler', 'ruby-webrick'] };
    const world = await start(t, tools, () => ({}));
    if (world === undefined) return;
    const { kit, registry, folder } = world;
    write(folder, {
      'lib/shout.rb': 'module Shout\n  def self.it(text)\n    text.upcase\n  end\nend\n',
      'shout.gemspec':
        'Gem::Specification.new do |s|\n  s.name, s.version, s.summary = "shout", "1.2.3", "x"\n  s.authors = ["x"]\n  s.files = ["lib/shout.rb"]\nend\n',
    });
    make(
      folder,
      'mkdir gems; gem build --silent --force --output gems/shout-1.2.3.gem shout.gemspec; gem generate_index',
    );
    const source = (word: string): Record<string, string> => ({
      Gemfile: `source "${registry.url}"\ngem "shout", "~> 1.2"\n`,
      'handler.rb': `require "shout"\nclass Handler\n  def run(body)\n    Shout.it(body) + "${word}"\n  end\nend\n`,
    });
    const { artifact } = await kit.build(source('!'));
    assert.equal(call(artifact, 'hello'), 'HELLO!');
    assert.ok(registry.asked().includes('/gems/shout-1.2.3.gem'));
    assert.equal(call((await kit.build(source('?'))).artifact, 'hello'), 'HELLO?');
    assert.ok(!registry.asked().includes('/gems/shout-1.2.3.gem'));
    await kit.build(source('.'), { namespace: 'other' });
    assert.ok(registry.asked().includes('/gems/shout-1.2.3.gem'), 'what one namespace fetched is no other’s');
  });

  test('PHP: packages with Composer, each fetched once for a namespace', { timeout: longMs }, async (t) => {
    const tools = { programs: ['php', 'composer', 'zip'], packages: ['php-cli', 'composer', 'zip', 'unzip'] };
    const world = await start(t, tools, () => ({}));
    if (world === undefined) return;
    const { kit, registry, folder } = world;
    const dist = { type: 'zip', url: `${registry.url}/shout.zip`, shasum: '' };
    const autoload = { files: ['shout.php'] };
    const found = { name: 'tb/shout', version: '1.2.3', dist, autoload };
    write(folder, {
      'shout/shout.php': '<?php function shout($text) { return strtoupper($text); }',
      'packages.json': JSON.stringify({ packages: { 'tb/shout': { '1.2.3': found } } }),
    });
    make(folder, 'zip -qr shout.zip shout');
    const composer = {
      repositories: [{ type: 'composer', url: registry.url }, { 'packagist.org': false }],
      require: { 'tb/shout': '^1.2' },
      autoload: { 'psr-4': { 'App\\': 'src/' } },
      config: { 'secure-http': false },
    };
    const source = (word: string): Record<string, string> => ({
      'composer.json': JSON.stringify(composer),
      'src/Handler.php': `<?php\nnamespace App;\nclass Handler { function handle($data) { return shout($data) . '${word}'; } }`,
    });
    assert.equal(call((await kit.build(source('!'))).artifact, 'hello'), 'HELLO!');
    assert.ok(registry.asked().includes('/shout.zip'));
    assert.equal(call((await kit.build(source('?'))).artifact, 'hello'), 'HELLO?');
    assert.ok(!registry.asked().includes('/shout.zip'));
  });

  test('Perl: modules with cpanm', { timeout: longMs }, async (t) => {
    const tools = { programs: ['perl', 'cpanm', 'make'], packages: ['perl', 'cpanminus', 'make'] };
    const world = await start(t, tools, (url) => ({ PERL_CPANM_OPT: `--mirror ${url} --mirror-only` }));
    if (world === undefined) return;
    const { kit, folder } = world;
    write(folder, {
      'Shout-1.23/lib/Shout.pm': "package Shout;\nour $VERSION = '1.23';\nsub it { uc shift }\n1;\n",
      'Shout-1.23/Makefile.PL':
        "use ExtUtils::MakeMaker;\nWriteMakefile(NAME => 'Shout', VERSION_FROM => 'lib/Shout.pm');\n",
      'modules/02packages.details.txt':
        'File: 02packages.details.txt\nColumns: package name, version, path\nLine-Count: 1\n\nShout 1.23 T/TB/TB/Shout-1.23.tar.gz\n',
    });
    make(
      folder,
      'mkdir -p authors/id/T/TB/TB; tar czf authors/id/T/TB/TB/Shout-1.23.tar.gz Shout-1.23; gzip modules/*.txt',
    );
    const { artifact } = await kit.build({
      cpanfile: "requires 'Shout', '1.2';\n",
      'Handler.pm': "package Handler;\nuse Shout;\nsub handle { return Shout::it(shift) . '!' }\n1;\n",
    });
    assert.equal(call(artifact, 'hello'), 'HELLO!');
  });

  test('Lua: rocks with luarocks', { timeout: longMs }, async (t) => {
    const packages = ['lua5.4', 'luarocks', 'liblua5.4-dev', 'zip', 'unzip'];
    const tools = { programs: ['lua5.4', 'luarocks', 'zip'], packages, files: ['/usr/include/lua5.4/lua.h'] };
    const world = await start(t, tools, () => ({ LUAROCKS_CONFIG: 'registry.lua' }));
    if (world === undefined) return;
    const { kit, registry, folder } = world;
    const rockspec = (name: string, rest: string): string =>
      `rockspec_format = "3.0"\npackage = "${name}"\nversion = "1.2-3"\n${rest}\n`;
    write(folder, {
      'shout.lua': 'return { it = function(text) return text:upper() end }\n',
      'shout-1.2-3.rockspec': rockspec(
        'shout',
        `source = { url = "${registry.url}/shout.lua" }\nbuild = { type = "builtin", modules = { shout = "shout.lua" } }`,
      ),
    });
    make(folder, 'luarocks-admin --lua-version=5.4 make_manifest .');
    const { artifact } = await kit.build({
      'handler-1.2-3.rockspec': rockspec(
        'handler',
        'source = { url = "file://." }\ndependencies = { "lua >= 5.4", "shout ~> 1.2" }\nbuild = { type = "builtin", modules = {} }',
      ),
      'registry.lua': `rocks_servers = { "${registry.url}" }\n`,
      'handler.lua': 'local shout = require("shout")\nreturn function(body) return shout.it(body) .. "!" end\n',
    });
    assert.equal(call(artifact, 'hello'), 'HELLO!');
  });
});
