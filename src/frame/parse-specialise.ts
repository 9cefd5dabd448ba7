import type { Specialise } from './messages.ts';
import { FrameViolation } from './violation.ts';

/**
 * Reads a specialise for the runtime that listens at `socketPath`. Throws FrameViolation when it is not JSON, or was
 * meant for another process: the folder of a socket belongs to the function, which may put a link to a stranger's socket
 * there, and a process of the platform that followed it would become that function with the platform's rights.
 */
export function parseSpecialise(text: string, socketPath: string | undefined): Specialise {
  let specialise: Specialise;
  try {
    specialise = JSON.parse(text) as Specialise;
  } catch {
    throw new FrameViolation('text', 'specialise is not JSON');
  }
  if (specialise.socket !== undefined && specialise.socket !== socketPath) {
    throw new FrameViolation('state', 'a specialise meant for another process');
  }
  return specialise;
}
