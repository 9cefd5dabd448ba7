import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Socket } from 'node:net';
import { same } from '../../model/hop-by-hop.ts';
import { execProtocol } from '../../model/exec-frame.ts';
import { TinderboxError } from '../../model/errors.ts';
import type { ExecCommand, ExecSession } from '../../model/exec.ts';
import type { Instance } from '../../model/instance.ts';
import type { ApiParts } from '../api-parts.ts';
import { ExecConversation } from '../exec-conversation.ts';
import { findExecInstance } from '../exec-place.ts';
import { addRoutes, sendText } from './create-server.ts';
import { readQuery, resolveFunctionName } from './read-query.ts';

const defaults = { sessions: 16, idleMs: 3_600_000 };
/** A client that vanished without a word is noticed after about 25 s. */
const keepAliveMs = 15_000;

/** `POST /system/exec`: a command beside an instance, on a connection that switches to `tinderbox-exec`. */
export function addExecRoutes(app: FastifyInstance, parts: ApiParts): void {
  const { sessions, idleMs } = parts.exec ?? defaults;
  let open = 0;
  const reserve = (): (() => void) => {
    if (open >= sessions) {
      throw new TinderboxError('queue-full', `${open} exec sessions are open, the limit is ${sessions}`, {
        retryAfterMs: 1000,
      });
    }
    open += 1;
    return () => void (open -= 1);
  };
  addRoutes(app, '/system/exec', {
    POST: async (request, reply) => {
      if (!wantsSwitch(request)) return refuseWithoutSwitch(reply);
      const place = { ...readPlace(request), instance: readQuery(request, 'instance') };
      const exec = parts.engine.exec?.bind(parts.engine);
      if (exec === undefined) {
        throw new TinderboxError('unsupported', `engine "${parts.engine.name}" runs no commands beside instances`);
      }
      const release = reserve();
      try {
        const instance = await findExecInstance(parts, place);
        void serve(parts, takeOver(reply), instance, idleMs, exec).finally(release);
      } catch (reason) {
        release();
        throw reason;
      }
      return reply;
    },
  });
}

async function serve(
  parts: ApiParts,
  client: Socket,
  instance: Instance,
  idleMs: number,
  exec: (instanceId: string, command: ExecCommand) => Promise<ExecSession>,
): Promise<void> {
  const letGo = parts.holdAwake?.(instance.revision);
  const open = (command: ExecCommand): Promise<ExecSession> => exec(instance.id, command);
  await ExecConversation.hold(client, { open, idleMs, stopping: parts.stopping });
  letGo?.();
}

function readPlace(request: FastifyRequest): { readonly namespace: string; readonly name: string } {
  const name = readQuery(request, 'name');
  if (name === undefined) throw new TinderboxError('invalid', 'name: is required');
  return resolveFunctionName(name, readQuery(request, 'namespace'));
}

/** Only where the server in front handed the connection over: anybody may write such a header. */
function wantsSwitch({ raw }: FastifyRequest): boolean {
  const { upgrade } = raw as typeof raw & { readonly upgrade?: unknown };
  return upgrade === true && same(raw.headers.upgrade ?? '', execProtocol);
}

function refuseWithoutSwitch(reply: FastifyReply): FastifyReply {
  void reply.header('upgrade', execProtocol);
  sendText(reply, 426, `ask for a switch of protocols: Connection: Upgrade, Upgrade: ${execProtocol}`);
  return reply;
}

function takeOver(reply: FastifyReply): Socket {
  const { raw } = reply;
  const { socket } = raw;
  if (socket === null || socket.destroyed) throw new TinderboxError('canceled', 'the client left');
  void reply.hijack();
  raw.detachSocket(socket);
  socket.setNoDelay(true);
  socket.setKeepAlive(true, keepAliveMs);
  const head = ['HTTP/1.1 101 Switching Protocols', 'Connection: Upgrade', `Upgrade: ${execProtocol}`];
  socket.write(`${head.join('\r\n')}\r\n\r\n`);
  return socket;
}
