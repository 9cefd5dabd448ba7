import { connect } from 'node:net';
import { connectSocket } from '../../frame/connect-socket.ts';
import type { InstanceAddress } from '../../model/instance.ts';

/**
 * Whether an instance of an earlier platform still answers: a frame runtime greets on every connection, so its loop has
 * to be alive; of a program that serves HTTP only its open port can be asked without calling it.
 */
export function answers(address: InstanceAddress, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const { kind } = address;
    const socket = kind === 'frame' ? connectSocket(address) : connect(address.port, address.host);
    const settle = (alive: boolean): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(alive);
    };
    const timer = setTimeout(() => settle(false), timeoutMs);
    socket.once('error', () => settle(false));
    socket.once('close', () => settle(false));
    socket.once(kind === 'frame' ? 'data' : 'connect', () => settle(true));
  });
}
