import { once } from 'node:events';
import { request } from 'node:http';
import type { Duplex } from 'node:stream';
import { encodeExecFrame, type ExecFrame, ExecFrameReader } from '../../src/model/exec-frame.ts';
import type { ExecOutput } from '../../src/model/exec.ts';
import type { TestPlatform } from './platform.ts';

/** What a request for a switch of protocols was answered with: its connection, or a refusal. */
export interface Switched {
  readonly status: number;
  readonly text: string;
  readonly socket: Duplex | undefined;
}

/** Asks the exec route by hand; `headers` add to, or replace, those of a well-behaved client. */
export async function askForExec(
  platform: TestPlatform,
  query: string,
  headers: Readonly<Record<string, string | undefined>> = {},
): Promise<Switched> {
  const sent = { authorization: platform.authorization, connection: 'Upgrade', upgrade: 'tinderbox-exec', ...headers };
  const given = Object.fromEntries(Object.entries(sent).filter(([, value]) => value !== undefined));
  const asked = request(`${platform.url}/system/exec${query}`, { method: 'POST', headers: given, agent: false });
  asked.end();
  return await new Promise((resolve, reject) => {
    asked.once('error', reject);
    asked.once('upgrade', (response, socket: Duplex) => {
      resolve({ status: response.statusCode ?? 0, text: '', socket });
    });
    asked.once('response', (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.once('end', () => {
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(parts).toString(), socket: undefined });
      });
    });
  });
}

/** Sends frames, or bytes that are none, and reads to the end; resolves with all that came. */
export async function exchangeFrames(
  socket: Duplex,
  sent: readonly (ExecFrame | Buffer)[],
): Promise<readonly ExecOutput[]> {
  const reader = new ExecFrameReader();
  const got: ExecOutput[] = [];
  socket.on('data', (chunk: Buffer) => got.push(...(reader.push(chunk) as ExecOutput[])));
  socket.on('error', () => socket.destroy());
  for (const each of sent) socket.write(Buffer.isBuffer(each) ? each : encodeExecFrame(each));
  await once(socket, 'end');
  socket.destroy();
  return got;
}
