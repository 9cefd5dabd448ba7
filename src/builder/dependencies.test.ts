import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { startBuilder } from '../../test/support/builder.ts';
import type { TestBuilder } from '../../test/support/builder.ts';

describe('a build with dependencies', () => {
  let kit: TestBuilder;
  before(async () => {
    kit = await startBuilder();
  });
  after(async () => {
    await kit.dispose();
  });

  test('installs what package.json names with npm, records it, and the result loads', async () => {
    const { artifact } = await kit.build({
      'package.json': JSON.stringify({ dependencies: { 'is-odd': '3.0.1' } }),
      'index.js': 'module.exports = async (event) => require("is-odd")(Number(event.body));\n',
    });
    assert.equal(artifact.manifest.dependencies['is-odd'], '3.0.1');
    assert.ok(artifact.manifest.dependencies['is-number']);
    assert.ok(existsSync(join(artifact.directory, 'code/package-lock.json')), 'the lock is kept');
    const load = 'require(process.argv[1])({ body: "3" }).then(console.log)';
    const output = execFileSync(process.execPath, ['-e', load, join(artifact.directory, 'code/index.js')]);
    assert.equal(output.toString().trim(), 'true');
  });

  test('installs exactly what package-lock.json says', async () => {
    const lock = {
      name: 'x',
      lockfileVersion: 3,
      requires: true,
      packages: {
        '': { dependencies: { 'is-number': '^7.0.0' } },
        'node_modules/is-number': {
          version: '7.0.0',
          resolved: 'https://registry.npmjs.org/is-number/-/is-number-7.0.0.tgz',
          integrity: 'sha512-41Cifkg6e8TylSpdtTpeLVMqvSBEVzTttHvERD741+pnZ8ANv0004MRL43QKPDlK9cGvNp6NZWZUBlbGXYxxng==',
        },
      },
    };
    const files = {
      'package.json': JSON.stringify({ name: 'x', dependencies: { 'is-number': '^7.0.0' } }),
      'package-lock.json': JSON.stringify(lock),
      'handler.js': 'export default { fetch: () => new Response("") };\n',
    };
    const { artifact, log } = await kit.build(files);
    assert.deepEqual(artifact.manifest.dependencies, { 'is-number': '7.0.0' });
    assert.match(log.join('\n'), /npm-cli\.js ci /);
    const stale = { ...files, 'package.json': '{"name":"x","dependencies":{"is-number":"^6.0.0"}}' };
    await assert.rejects(kit.build(stale), { code: 'build-failed', message: /npm-ci failed: exited with code 1/ });
  });

  test('says which package could not be had', async () => {
    const files = { 'package.json': '{"dependencies":{"is-odd":"99.0.0"}}', 'index.js': '' };
    await assert.rejects(kit.build(files), {
      code: 'build-failed',
      message: /No matching version found for is-odd@99/,
    });
  });

  test('installs what requirements.txt names with pip, compiles it, and the result loads', async () => {
    const { artifact } = await kit.build({
      'requirements.txt': '# one\nidna==3.10\n',
      'handler.py': 'import idna\n\ndef handle(req):\n    return idna.encode(req).decode()\n',
    });
    const { manifest, directory } = artifact;
    assert.deepEqual(manifest.modulePaths, ['site-packages']);
    assert.deepEqual(manifest.dependencies, { idna: '3.10' });
    assert.match(manifest.toolchain, /^python 3\.\d+\.\d+$/);
    const compiled = readdirSync(join(directory, 'site-packages/idna/__pycache__'));
    assert.ok(compiled.some((name) => name.startsWith('core.cpython-')));
    const program = [
      'import sys; sys.path[:0] = sys.argv[1:3]; sys.dont_write_bytecode = True',
      'import handler, idna; print(handler.handle("ü.de"), idna.encode.__code__.co_filename)',
    ].join('\n');
    const folders = [join(directory, 'code'), join(directory, 'site-packages')];
    const output = execFileSync('/usr/bin/env', ['python3', '-c', program, ...folders], { encoding: 'utf8' });
    assert.match(output, /^xn--tda\.de /);
    assert.ok(!output.includes('.tmp-'), `compiled for its final place: ${output}`);
  });

  test('compiles C by its Makefile and the program runs', async () => {
    const { artifact } = await kit.build(
      {
        Makefile: 'hello: hello.c\n\t$(CC) -O1 -o $@ $<\n',
        'hello.c': '#include <stdio.h>\nint main(void) { puts("hello function"); return 0; }\n',
      },
      { process: './hello', buildArgs: { CC: 'cc' } },
    );
    assert.equal(artifact.manifest.language, 'exec');
    assert.equal(artifact.manifest.mode, 'fork');
    assert.equal(execFileSync(join(artifact.directory, 'code/hello')).toString(), 'hello function\n');
  });

  test('shows what the compiler said when it fails, and that the program is missing when it is', async () => {
    const broken = { Makefile: 'hello: hello.c\n\tcc -o $@ $<\n', 'hello.c': 'int main(void) { return x; }\n' };
    await assert.rejects(kit.build(broken), { code: 'build-failed', message: /make failed[^]*‘?'?x'?’? undeclared/ });
    await assert.rejects(kit.build({ Makefile: 'all:\n\ttrue\n' }, { process: './gone' }), {
      code: 'build-failed',
      message: /process ".\/gone" cannot be run: there is no such file/,
    });
  });

  test('turns TypeScript into JavaScript beside it and loads that', async () => {
    const { artifact } = await kit.build({
      'handler.ts':
        "import { greet } from './lib/greet.ts';\nimport type { X } from './x.ts';\nexport default { fetch: (_: Request): Response => new Response(greet('you' as X)) };\n",
      'lib/greet.ts': 'export function greet(name: string): string {\n  return `hello ${name}`;\n}\n',
      'x.ts': 'export type X = string;\n',
    });
    assert.equal(artifact.manifest.handler, 'code/handler.mjs');
    const load = 'import(process.argv[1]).then(async (m) => console.log(await m.default.fetch().text()))';
    const output = execFileSync(process.execPath, ['-e', load, join(artifact.directory, 'code/handler.mjs')]);
    assert.equal(output.toString().trim(), 'hello you');
  });

  test('refuses TypeScript that leaving out types does not make JavaScript', async () => {
    const refused: [Record<string, string>, RegExp][] = [
      [{ 'handler.ts': 'enum A { x }\nexport default A;\n' }, /^handler\.ts: .*enum is not supported/],
      [{ 'handler.ts': 'let x: = 1;' }, /^handler\.ts: /],
      [{ 'handler.ts': '', 'view.tsx': '' }, /view\.tsx: JSX needs a compiler/],
      [{ 'handler.ts': '', 'handler.cjs': '' }, /handler\.ts and handler\.cjs are both in the source/],
      [
        { 'handler.ts': '', 'tsconfig.json': '{ "compilerOptions": {\n "paths": { "@/*": ["./*"] } } }' },
        /tsconfig\.json sets "paths"/,
      ],
    ];
    for (const [files, message] of refused) {
      await assert.rejects(kit.build(files), { code: 'invalid', message }, String(message));
    }
  });
});
