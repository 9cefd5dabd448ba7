import assert from 'node:assert/strict';
import { mkdirSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { tempDir } from '../../../test/support/temp-dir.ts';
import { until } from '../../../test/support/until.ts';
import { type Changes, type Watched, watchProject } from './watch-project.ts';

interface Watching {
  readonly seen: Changes[];
  /** Owners told so far, in order. */
  owners(): readonly string[];
  /** What callbacks wait for; none unless set. */
  hold: Promise<void> | undefined;
}

function start(t: TestContext, listPaths: () => readonly Watched[]): Watching {
  const stop = new AbortController();
  const seen: Changes[] = [];
  const watching: Watching = { seen, owners: () => seen.flatMap(({ owners }) => [...owners]), hold: undefined };
  const ended = watchProject(
    async () => listPaths(),
    async (changes) => {
      seen.push(changes);
      await watching.hold;
    },
    stop.signal,
  );
  t.after(async () => {
    stop.abort();
    await ended;
  });
  return watching;
}

function makeFolder(path: string): void {
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, 'handler.js'), '1');
}

test('what is saved during the first callback comes with the next one', async (t) => {
  const folder = join(tempDir(t), 'hello');
  makeFolder(folder);
  const held = Promise.withResolvers<void>();
  const watching = start(t, () => [{ owner: 'hello', path: folder }]);
  watching.hold = held.promise;
  await until('the first callback began', () => watching.seen.length === 1);
  assert.deepEqual(watching.seen[0], { owners: new Set(), all: true });
  writeFileSync(join(folder, 'handler.js'), '2');
  held.resolve();
  await until('the save is told', () => watching.owners().includes('hello'));
});

test('what is saved during the first callback after a change of all is told, also of what that change brought', async (t) => {
  const cwd = tempDir(t);
  const [stack, added] = [join(cwd, 'stack.yaml'), join(cwd, 'added')];
  writeFileSync(stack, '1');
  let paths: readonly Watched[] = [{ owner: undefined, path: stack }];
  const watching = start(t, () => paths);
  await until('it is watched', () => watching.seen.length === 1);
  const held = Promise.withResolvers<void>();
  watching.hold = held.promise;
  makeFolder(added);
  paths = [...paths, { owner: 'added', path: added }];
  writeFileSync(stack, '2');
  await until('the stack file is told', () => watching.seen.length === 2);
  writeFileSync(join(added, 'handler.js'), '2');
  held.resolve();
  await until('the save is told', () => watching.owners().includes('added'));
});

for (const [how, place] of [
  ['a folder that was deleted and made again', ['hello']],
  ['a folder whose parent was deleted and made again', ['functions', 'hello']],
] as const) {
  test(`${how} is still watched`, async (t) => {
    const cwd = tempDir(t);
    const [top, folder] = [join(cwd, place[0]), join(cwd, ...place)];
    makeFolder(folder);
    const watching = start(t, () => [{ owner: 'hello', path: folder }]);
    await until('it is watched', () => watching.seen.length === 1);
    rmSync(top, { recursive: true });
    await until('the deletion is told', () => watching.seen.length === 2);
    makeFolder(folder);
    await until('its return is told', () => watching.seen.length >= 3);
    await saveUntilTold(watching, folder);
  });
}

test('a folder that is not there yet is told when it comes, and watched', async (t) => {
  const folder = join(tempDir(t), 'functions', 'hello');
  const watching = start(t, () => [{ owner: 'hello', path: folder }]);
  await until('it is watched', () => watching.seen.length === 1);
  makeFolder(folder);
  await until('its coming is told', () => watching.seen.length >= 2);
  await saveUntilTold(watching, folder);
});

test('a folder that another one takes the place of is still watched: renamed, or by a link', async (t) => {
  const cwd = tempDir(t);
  const [folder, link] = [join(cwd, 'real'), join(cwd, 'link')];
  for (const name of ['real', 'next', 'other']) makeFolder(join(cwd, name));
  symlinkSync('next', link);
  const watching = start(t, () => [
    { owner: 'real', path: folder },
    { owner: 'link', path: link },
  ]);
  await until('they are watched', () => watching.seen.length === 1);
  renameSync(folder, join(cwd, 'old'));
  renameSync(join(cwd, 'other'), folder);
  await until('the rename is told', () => watching.owners().includes('real'));
  await saveUntilTold(watching, folder, 'real');
  unlinkSync(link);
  symlinkSync('old', link);
  await until('the new link is told', () => watching.owners().includes('link'));
  await saveUntilTold(watching, join(cwd, 'old'), 'link');
});

/** A save below is told once what stands there is watched; what came before is told first. */
async function saveUntilTold(watching: Watching, folder: string, owner = 'hello'): Promise<void> {
  mkdirSync(join(folder, 'deep'), { recursive: true });
  const told = (): number => watching.owners().filter((name) => name === owner).length;
  const before = told();
  let saves = 0;
  await until('saves are told', () => {
    writeFileSync(join(folder, 'handler.js'), `${++saves}`);
    return told() > before + 1;
  });
}
