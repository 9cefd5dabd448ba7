// Runs in a network namespace of its own: starts one watchdog, asks it, and prints its answers as JSON. What to start and
// to ask comes as JSON on stdin.
import { spawn } from 'node:child_process';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { text } from 'node:stream/consumers';

const { command, env, cwd, asks } = JSON.parse(await text(process.stdin));
const [file, ...args] = command;
const child = spawn(file, args, { env, cwd, stdio: ['ignore', 'pipe', 'pipe'] });
let log = '';
for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes) => (log += bytes));

/** One request as it stands, over a connection of its own; the whole answer. */
function ask(port, request) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    let answer = '';
    socket.on('data', (bytes) => (answer += bytes.toString('latin1')));
    socket.on('error', (error) => resolve(`error ${error.code}`));
    socket.on('close', () => resolve(answer));
    socket.on('connect', () => socket.write(request, 'latin1'));
  });
}

const deadline = Date.now() + 60_000;
const probe = 'GET /_/health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
while (child.exitCode === null && (await ask(8080, probe)).startsWith('error') && Date.now() < deadline)
  await delay(50);
const answers = {};
for (const { name, port = 8080, requests, until } of asks) {
  for (;;) {
    answers[name] = await Promise.all(requests.map((request) => ask(port, request)));
    if (until === undefined || Date.now() > deadline || answers[name].every((one) => one.includes(until))) break;
    await delay(50);
  }
}
child.kill('SIGKILL');
process.stdout.write(JSON.stringify({ answers, log }));
process.exit(0);
