import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { Command, type Option } from 'commander';
import { commands } from '../../src/cli/commands.ts';
import { takeGlobalFlags } from '../../src/cli/flags/global-flags.ts';
import { requirement } from '../support/require.ts';
import { buildFaasCli, buildOldFaasCli } from './go-program.ts';

interface Flag {
  readonly long: string;
  readonly short: string | undefined;
  readonly takesValue: boolean;
}

/** Of OpenFaaS Cloud and of its paid identity provider, which later versions have no more; of OpenFaaS's own charts. */
const elsewhere = ['auth', 'cloud', 'chart'];

const clients = [
  { name: 'the newest faas-cli', client: buildFaasCli() },
  { name: 'a faas-cli of the old line', client: buildOldFaasCli() },
];

for (const { name, client } of clients) {
  test(`every command, alias and flag that ${name} tells of is one of ours`, async (t) => {
    if (!requirement(t, 'file' in client, 'missing' in client ? client.missing : '')) return;
    const program = await ownProgram();
    const problems: string[] = [];
    let seen = 0;
    const compare = (path: readonly string[]): void => {
      const help = helpOf('file' in client ? client.file : '', path);
      const own = findOwn(program, path);
      if (own === undefined) problems.push(`${path.join(' ')}: no such command`);
      else if (path.length > 0) {
        const flags = flagsIn(help);
        seen += flags.length;
        problems.push(...flags.flatMap((flag) => difference(own, flag)).map((text) => `${path.join(' ')} ${text}`));
        const unknown = aliasesIn(help).filter((alias) => findOwn(program, [...path.slice(0, -1), alias]) !== own);
        problems.push(...unknown.map((alias) => `${path.join(' ')}: no alias ${alias}`));
      }
      for (const child of commandsIn(help)) if (!elsewhere.includes(child)) compare([...path, child]);
    };
    compare([]);
    assert.ok(seen > 250, `only ${seen} flags were found in its help`);
    assert.deepEqual(problems, []);
  });
}

async function ownProgram(): Promise<Command> {
  const program = new Command();
  const sink = process.stderr;
  const { signal } = new AbortController();
  const shell = { env: {}, cwd: '/', home: '/', signal, stdin: process.stdin, stdout: sink, stderr: sink };
  for (const entry of commands) {
    const command = program.command(entry.name).aliases([...(entry.aliases ?? [])]);
    (await entry.load()).define(command, shell);
    takeGlobalFlags(command);
  }
  return program;
}

function findOwn(program: Command, path: readonly string[]): Command | undefined {
  return path.reduce<Command | undefined>(
    (node, word) => node?.commands.find((child) => child.name() === word || child.aliases().includes(word)),
    program,
  );
}

/** A flag of a command of commands may be one of those below: flags may stand between their names. */
function optionsFrom(command: Command): readonly Option[] {
  return [...command.options, ...command.commands.flatMap(optionsFrom)];
}

function difference(command: Command, { long, short, takesValue }: Flag): readonly string[] {
  const options = optionsFrom(command);
  const option = options.find((each) => each.long === long || each.long === long.replace('--', '--no-'));
  if (option === undefined) return [`has no ${long}`];
  const isValue = option.required || option.optional;
  return [
    ...(short === undefined || option.short === short ? [] : [`${long} has no ${short}`]),
    ...(takesValue === isValue ? [] : [`${long} ${takesValue ? 'takes no value' : 'takes a value'}`]),
  ];
}

function helpOf(file: string, path: readonly string[]): string {
  const { stdout, stderr } = spawnSync(file, [...path, '--help'], { encoding: 'utf8' });
  return `${stdout}${stderr}\n\n`;
}

function commandsIn(help: string): readonly string[] {
  const [, block = ''] = /Available Commands:\n([\s\S]*?)\n\n/.exec(help) ?? [];
  const names = block.split('\n').map((line) => line.trim().split(/\s+/)[0] ?? '');
  return names.filter((word) => word !== '' && word !== 'help');
}

function aliasesIn(help: string): readonly string[] {
  const [, line = ''] = /Aliases:\n\s+(.*)\n/.exec(help) ?? [];
  return line.split(', ').filter((word) => word !== '');
}

/** `  -b, --build-arg stringArray   Add …`: a flag with a type takes a value. */
function flagsIn(help: string): readonly Flag[] {
  const lines = [...help.matchAll(/^\s+(?:(-\w), )?(--[a-z][\w-]*)(?: (\w+))?\s\s/gm)];
  const flags = lines.map(([, short, long = '', type]) => ({ long, short, takesValue: type !== undefined }));
  return flags.filter(({ long }) => long !== '--help');
}
