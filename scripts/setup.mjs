// Runs on any Node >= 20 before `npm start` and `npm test`: installs what is missing, and nothing that is there.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const forTests = process.argv.includes('--test');

// Warnings about engines speak of the Node that runs npm, which is not the one that runs the platform.
if (!isInstalled()) run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error']);
if (forTests) installSystemPackages();

/** npm leaves a copy of the lock file; ours being equal to it in every version means the tree is complete. */
function isInstalled() {
  const hidden = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(hidden)) return false;
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  const present = JSON.parse(readFileSync(hidden, 'utf8')).packages;
  return Object.entries(wanted).every(
    ([path, entry]) =>
      path === '' ||
      entry.link ||
      entry.optional ||
      !path.startsWith('node_modules/') ||
      present[path]?.version === entry.version,
  );
}

/** What the suites drive as a user would: interpreter, compiler, sandbox tools, tracing, load, browser. */
function installSystemPackages() {
  const wanted = {
    python3: 'python3',
    'python3-pip': 'pip3',
    bubblewrap: 'bwrap',
    gcc: 'gcc',
    make: 'make',
    strace: 'strace',
    faketime: 'faketime',
    'util-linux': 'setpriv',
    curl: 'curl',
    chromium: 'chromium',
  };
  const missing = Object.entries(wanted)
    .filter(([, program]) => !isOnPath(program))
    .map(([name]) => name);
  if (missing.length === 0) return;
  if (process.platform !== 'linux' || process.getuid?.() !== 0 || !isOnPath('apt-get')) {
    console.error(
      `setup: ${missing.join(', ')} not found and not installable here (needs apt and root); suites that need them are skipped`,
    );
    return;
  }
  run('apt-get', ['update', '-qq'], { DEBIAN_FRONTEND: 'noninteractive' });
  run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...missing], {
    DEBIAN_FRONTEND: 'noninteractive',
  });
}

function isOnPath(program) {
  return (process.env.PATH ?? '').split(':').some((dir) => existsSync(join(dir, program)));
}

function run(command, args, env = {}) {
  console.error(`setup: ${command} ${args.join(' ')}`);
  const result = spawnSync(command, args, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, ...env },
  });
  if (result.status !== 0) {
    console.error(`setup: ${command} ended with ${result.status ?? result.signal}`);
    process.exit(1);
  }
}
