import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestPlatform } from '../test/support/platform.ts';

/** Source of a function to measure: its files and how it is built. */
export interface BenchFunction {
  readonly lang: string;
  readonly files: Readonly<Record<string, string>>;
  readonly process?: string;
  readonly mode?: string;
}

export const nodeHello: BenchFunction = {
  lang: 'node',
  files: { 'handler.js': "'use strict';\nmodule.exports = async (event, context) => context.succeed('hello\\n');\n" },
};

export const nodeSyncHello: BenchFunction = {
  lang: 'node',
  files: { 'handler.js': "'use strict';\nmodule.exports = (event, context) => 'hello\\n';\n" },
};

export const pythonHello: BenchFunction = {
  lang: 'python3',
  files: { 'handler.py': 'def handle(req):\n    return "hello\\n"\n' },
};

export const execHttpHello: BenchFunction = {
  lang: 'exec',
  process: 'node server.mjs',
  mode: 'http',
  files: {
    'server.mjs': `import { createServer } from 'node:http';
const body = Buffer.from('hello\\n');
createServer((request, response) => {
  response.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Length': body.length });
  response.end(body);
}).listen(Number(process.env.PORT), '127.0.0.1');
`,
  },
};

/** Writes, builds and deploys functions of the same source through the CLI, as a user does. */
export async function deployAll(
  platform: TestPlatform,
  source: BenchFunction,
  names: readonly string[],
  labels: Readonly<Record<string, string>> = {},
): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'tb-bench-'));
  try {
    for (const [file, text] of Object.entries(source.files)) {
      mkdirSync(dirname(join(dir, 'code', file)), { recursive: true });
      writeFileSync(join(dir, 'code', file), text);
    }
    writeFileSync(join(dir, 'stack.yaml'), stackFile(source, names, labels));
    const result = await platform.cli(['deploy', '-f', 'stack.yaml'], { cwd: dir });
    if (result.code !== 0) throw new Error(`deploy ended with ${result.code}:\n${result.stdout}\n${result.stderr}`);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

function stackFile(source: BenchFunction, names: readonly string[], labels: Readonly<Record<string, string>>): string {
  const functions = names.map((name) => [
    name,
    {
      lang: source.lang,
      handler: './code',
      image: `${name}:1`,
      ...(source.process === undefined ? {} : { fprocess: source.process }),
      ...(source.mode === undefined ? {} : { environment: { mode: source.mode } }),
      labels,
    },
  ]);
  // JSON is YAML.
  return JSON.stringify({ version: '1.0', provider: { name: 'openfaas' }, functions: Object.fromEntries(functions) });
}
