import { once } from 'node:events';
import type { Terminal } from './shell.ts';

/** Writes and waits while the reader is slower, so that an endless source cannot fill memory. */
export async function writeText(stream: Terminal, text: string | Uint8Array): Promise<void> {
  if (!stream.write(text)) await once(stream, 'drain');
}
