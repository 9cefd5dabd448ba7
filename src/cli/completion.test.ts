import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { tempDir } from '../../test/support/temp-dir.ts';
import { formatBashCompletion } from './completion/bash.ts';
import type { CommandNode } from './completion/command-tree.ts';
import { formatFishCompletion } from './completion/fish.ts';
import { formatZshCompletion } from './completion/zsh.ts';
import { runInTest } from './testing/test-shell.ts';
import { covers } from '../../test/support/covers.ts';

async function scriptFor(shell: string, cwd: string): Promise<string> {
  const { exitCode, stdout, stderr } = await runInTest(['completion', shell], { cwd });
  assert.equal(exitCode, 0, stderr);
  return stdout;
}

/** What bash offers at the end of a command line. */
function complete(script: string, words: readonly string[]): readonly string[] {
  const line = `source "$1"; shift; compopt() { :; }
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _tinderbox; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const run = spawnSync('bash', ['--norc', '-c', line, 'bash', script, 'tinderbox', ...words], { encoding: 'utf8' });
  assert.equal(run.stderr, '');
  return run.stdout.split('\n').filter((word) => word !== '');
}

test('bash completes commands, their subcommands and their flags', async (t) => {
  covers('command', 'completion');
  const folder = tempDir(t);
  const script = join(folder, 'completion');
  writeFileSync(script, await scriptFor('bash', folder));
  const asFaasCli = await runInTest(['completion', '--shell', 'bash'], { cwd: folder });
  assert.equal(asFaasCli.stdout, await scriptFor('bash', folder));
  assert.equal((await runInTest(['completion'], { cwd: folder })).exitCode, 2);
  assert.deepEqual(complete(script, ['de']), ['deploy', 'describe']);
  assert.ok(complete(script, ['']).includes('up'));
  assert.deepEqual(complete(script, ['secret', 'c']), ['create']);
  assert.deepEqual(complete(script, ['secret', 'create', '--from-']), ['--from-literal', '--from-file']);
  assert.deepEqual(complete(script, ['deploy', '-f', 'stack.yaml', '--skip']), ['--skip-build']);
  assert.deepEqual(complete(script, ['deploy', '--image', '']), []);
});

test('zsh and fish scripts know every command and flag', async (t) => {
  const folder = tempDir(t);
  const zsh = await scriptFor('zsh', folder);
  const fish = await scriptFor('fish', folder);
  assert.match(zsh, /^#compdef tinderbox\n/);
  assert.match(zsh, /\n {8}create\) _tinderbox_secret_create ;;\n/);
  assert.match(
    zsh,
    /'\*--output\[json, yaml, name, wide, table or jsonpath=TEMPLATE\]:value:\(json yaml name wide table jsonpath=\)'/,
  );
  assert.match(fish, /complete -c tinderbox -f -n '__fish_use_subcommand' -a 'deploy' -d 'build and deploy/);
  assert.match(
    fish,
    /-n '__fish_seen_subcommand_from secret; and __fish_seen_subcommand_from create' -l 'from-file' -r/,
  );
});

test('a summary with quotes, brackets or a substitution cannot leave its place in any script', (t) => {
  const evil = `it's $(touch pwned) \`touch pwned\` [x] "y" \\ ; touch pwned`;
  const flag = { long: '--flag', short: '-f', summary: evil, takesValue: false, choices: [] };
  const child: CommandNode = { path: ['run'], summary: evil, flags: [flag], children: [] };
  const tree: CommandNode = { path: [], summary: evil, flags: [flag], children: [child] };
  const folder = tempDir(t);
  for (const script of [formatBashCompletion(tree), formatZshCompletion(tree)]) {
    const checked = spawnSync('bash', ['-n'], { input: script, cwd: folder, encoding: 'utf8' });
    assert.deepEqual([checked.status, checked.stderr], [0, '']);
  }
  assert.ok(
    formatFishCompletion(tree).includes(`-d 'it\\'s $(touch pwned) \`touch pwned\` [x] "y" \\\\ ; touch pwned'`),
  );
});

test('another shell is refused, naming those there are', async (t) => {
  const { exitCode, stderr } = await runInTest(['completion', 'tcsh'], { cwd: tempDir(t) });
  assert.equal(exitCode, 2);
  assert.match(stderr, /Allowed choices are bash, zsh, fish/);
});
