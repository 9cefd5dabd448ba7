import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { tempDir } from '../../../test/support/temp-dir.ts';
import { bundleModules } from './bundle-modules.ts';

function run(t: TestContext, files: Readonly<Record<string, string>>): string {
  const file = join(tempDir(t), 'bundle.cjs');
  writeFileSync(file, bundleModules(new Map(Object.entries(files)), 'app/main.mjs'));
  return execFileSync(process.execPath, [file], { encoding: 'utf8' });
}

test('modules keep their own names, and see what they import under the name they chose', (t) => {
  const output = run(t, {
    'app/main.mjs': `import { join as path } from 'node:path';
import { name, Thing } from './deep/thing.mjs';
import {
  later,
} from '../shared.mjs';
const local = await later('main');
console.log(path(local, name, new Thing().text()));
`,
    'app/deep/thing.mjs': `import os, { EOL } from 'node:os';
import { later as slow } from '../../shared.mjs';
const local = typeof os.cpus + EOL.length + typeof slow;
export const name = 'thing';
export class Thing {
  text() {
    return local;
  }
}
export {};
`,
    'shared.mjs': `import { join } from 'node:path';
const local = 'shared';
export async function later(from) {
  return join(local, from);
}
`,
  });
  assert.equal(output, 'shared/main/thing/function1function\n');
});

test('a module that two others import is evaluated once', (t) => {
  const output = run(t, {
    'app/main.mjs': "import { a } from './a.mjs';\nimport { b } from './b.mjs';\nconsole.log(a === b);\n",
    'app/a.mjs': "import { c } from './c.mjs';\nexport const a = c;\n",
    'app/b.mjs': "import { c } from './c.mjs';\nexport const b = c;\n",
    'app/c.mjs': "export const c = {};\nconsole.log('once');\n",
  });
  assert.equal(output, 'once\ntrue\n');
});

for (const [what, text] of [
  ['a default export', 'export default 1;'],
  ['an import of a default export', "import a from './a.mjs';"],
  ['an export list', 'const a = 1;\nexport { a };'],
  ['an import for its effect', "import './a.mjs';"],
  ['a namespace import', "import * as a from './a.mjs';"],
  ['a variable that may change', 'export let a = 1;'],
  ['an import at run time', "await import('./a.mjs');"],
  ['its own place', 'console.log(import.meta.dirname);'],
  ['itself', "import { a } from './main.mjs';"],
] as const) {
  test(`a module with ${what} is refused`, () => {
    const texts = new Map([
      ['main.mjs', "import { a } from './other.mjs';"],
      ['other.mjs', what === 'itself' ? "import { b } from './main.mjs';\nexport const a = 1;" : text],
      ['a.mjs', 'export const a = 1;'],
    ]);
    assert.throws(() => bundleModules(texts, 'main.mjs'), { name: 'TinderboxError', code: 'internal' });
  });
}
