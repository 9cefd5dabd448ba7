import { resolve } from 'node:path';
import type { Specialise } from '../../frame/messages.ts';
import type { Mode } from './call.ts';
import { findProgram } from './find-program.ts';
import { ForkMode } from './fork-mode.ts';
import { forkPlanFromSettings, type Program } from './fork-plan.ts';
import { type ModeSettings, resolveModeSettings } from './mode-settings.ts';
import { findFreePort, ownsPort } from './own-port.ts';
import { OutputLines } from './output-lines.ts';
import { ProxyMode } from './proxy-mode.ts';
import { StaticMode } from './static-mode.ts';
import { UpstreamProgram } from './upstream-program.ts';

/** A line longer than this is cut; the platform cuts at 64 KiB. */
const longestLineBytes = 16 * 1024;

/**
 * What a specialised instance does with its calls, by the function's own variables. `inherited`: what every process gets
 * besides. Rejects, with a message for a person, when it cannot be done.
 */
export async function createInstanceMode(
  specialise: Specialise,
  inherited: Readonly<Record<string, string>>,
  onProgramEnd: (reason: string) => void,
): Promise<Mode> {
  const settings = resolveModeSettings(specialise.env, 'fork');
  const { workdir } = specialise;
  if (settings.mode === 'static') {
    const folder = resolve(workdir, settings.staticPath ?? 'public');
    return new StaticMode({ folder, fallback: settings.staticFallback });
  }
  const program = programOf(specialise, inherited);
  if (settings.mode === 'http') return await startProxy(settings, program, onProgramEnd);
  return new ForkMode({
    plan: forkPlanFromSettings(settings, program),
    style: 'fork',
    errors: process.stderr,
    openLog: (callId) => {
      // The keeper turns the mark into the id of the call.
      const mark = Buffer.from(`\x1e${callId}\x1f`);
      return new OutputLines({ prefix: () => mark, longestBytes: longestLineBytes, write: writeError });
    },
  });
}

async function startProxy(
  settings: ModeSettings,
  program: Program,
  onProgramEnd: (reason: string) => void,
): Promise<Mode> {
  const { upstream, buffersBody } = settings;
  if (upstream === undefined) throw new Error('mode http without upstream_url');
  let isReady = false;
  const port = await findFreePort();
  const running = new UpstreamProgram({
    // Who listens where it is told to can have any number of copies beside it.
    program: { ...program, env: { PORT: String(port), ...program.env } },
    addresses: [{ host: '127.0.0.1', port: Number(program.env['PORT'] ?? port) }, upstream],
    owns: ownsPort,
    output: 'inherit',
    // Before that its end is why it never became ready.
    onExit: (reason) => (isReady ? onProgramEnd(reason) : undefined),
  });
  await running.ready;
  isReady = true;
  const onError = (error: Error): void => writeError(Buffer.from(`tinderbox: ${error.message}\n`));
  return new ProxyMode({ program: running, buffersBody, onError });
}

function programOf(specialise: Specialise, inherited: Readonly<Record<string, string>>): Program {
  const [name = '', ...args] = specialise.process ?? [];
  const file = findProgram(name, specialise.workdir, specialise.env['PATH']);
  return { file, args, cwd: specialise.workdir, env: { ...specialise.env, ...inherited } };
}

function writeError(lines: Buffer): void {
  process.stderr.write(lines);
}
