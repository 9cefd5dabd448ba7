// A process of a given size that does nothing but start a program, read what it says, and start it again. Arguments: MiB of
// memory to hold, seconds, programs at once, program. Prints how many came to their end per second.
import { spawn } from 'node:child_process';

const [mebibytes = 0, seconds = 1, atOnce = 1] = process.argv.slice(2, 5).map(Number);
const program = process.argv[5] ?? 'cat';

/** Touched, so that it counts; a process is the slower to start others the more memory it has. */
const own = process.memoryUsage.rss() / 2 ** 20;
const ballast = Buffer.alloc(Math.max(0, Math.round((mebibytes - own) * 2 ** 20)), 1);
const begin = performance.now();
const end = begin + seconds * 1000;
let done = 0;

function runOne(): void {
  const child = spawn(program, [], { stdio: 'pipe', detached: true });
  child.stdin.end();
  child.stdout.resume();
  child.stderr.resume();
  child.on('close', () => {
    done += 1;
    if (performance.now() < end) runOne();
    else if (--running === 0) process.stdout.write(`${(done * 1000) / (performance.now() - begin)}\n`);
  });
}

let running = atOnce;
for (let i = 0; i < atOnce; i += 1) runOne();
if (ballast.length < 0) throw new Error('unreachable');
