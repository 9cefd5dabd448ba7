import { type Hello, protocolVersion } from './messages.ts';
import { FrameViolation } from './violation.ts';

/** Throws FrameViolation unless the text is a hello of our version. */
export function assertHello(text: string): void {
  let hello: Partial<Hello> | null;
  try {
    hello = JSON.parse(text) as Partial<Hello> | null;
  } catch {
    throw new FrameViolation('text', 'hello is not JSON');
  }
  if (typeof hello !== 'object' || hello === null || typeof hello.role !== 'string') {
    throw new FrameViolation('text', 'hello has no role');
  }
  if (hello.version !== protocolVersion) {
    throw new FrameViolation('version', `version ${String(hello.version)}; this side speaks ${protocolVersion}`);
  }
}
