import { TinderboxError } from '../model/errors.ts';
import type { Instance } from '../model/instance.ts';
import type { FunctionSettings } from '../model/settings.ts';
import type { RouterHooks } from './router.ts';
import { createFrameTransport } from './transport/frame.ts';
import { createHttpTransport } from './transport/http.ts';
import type { Transport } from './transport/transport.ts';

/** The transport an instance's address asks for. `onViolation`: it broke the protocol and should be replaced. */
export function createTransport(
  hooks: Pick<RouterHooks, 'ownsAddress'>,
  instance: Instance,
  settings: FunctionSettings,
  onViolation: (reason: string) => void,
): Transport {
  const { address } = instance;
  if (address === undefined)
    throw new TinderboxError('internal', `instance ${instance.id} is ready without an address`);
  if (address.kind === 'http')
    return createHttpTransport({ ...address, isInstance: () => hooks.ownsAddress(instance.id) });
  return createFrameTransport({ address, timeoutMs: settings.timeoutMs, onViolation });
}
