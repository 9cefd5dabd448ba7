import { json } from 'node:stream/consumers';
import type { TriggerRequest } from '../../client/triggers.ts';
import type { TriggerStatus } from '../../model/trigger.ts';
import type { Exchange, Route } from './fake-routes.ts';

const one = /^\/system\/triggers\/([^/]+)$/;

/** Triggers as they were asked for, without running any. */
export const triggerRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: /^\/system\/triggers$/,
    handle: ({ state, response, query }) => {
      const all = [...state.triggers.values()];
      const wanted = query.get('function');
      send(response, 200, wanted === null ? all : all.filter((trigger) => trigger.function === wanted));
    },
  },
  { method: 'POST', path: /^\/system\/triggers$/, handle: (exchange) => put(exchange, 201) },
  {
    method: 'PUT',
    path: one,
    handle: (exchange) => (exchange.state.triggers.has(exchange.name) ? put(exchange, 202) : missing(exchange)),
  },
  {
    method: 'GET',
    path: one,
    handle: (exchange) => {
      const found = exchange.state.triggers.get(exchange.name);
      return found === undefined ? missing(exchange) : send(exchange.response, 200, found);
    },
  },
  {
    method: 'DELETE',
    path: one,
    handle: (exchange) =>
      exchange.state.triggers.delete(exchange.name) ? send(exchange.response, 202, '') : missing(exchange),
  },
  ...(['pause', 'resume'] as const).map(
    (action): Route => ({
      method: 'POST',
      path: new RegExp(`^/system/triggers/([^/]+)/${action}$`),
      handle: (exchange) => {
        const found = exchange.state.triggers.get(exchange.name);
        if (found === undefined) return missing(exchange);
        exchange.state.triggers.set(exchange.name, { ...found, paused: action === 'pause' });
        send(exchange.response, 202, '');
      },
    }),
  ),
];

async function put({ state, request, response }: Exchange, status: number): Promise<void> {
  const asked = (await json(request)) as TriggerRequest;
  const { schedule, nats, ...rest } = asked;
  const made: TriggerStatus = {
    method: 'POST',
    path: '/',
    paused: false,
    readOnly: false,
    version: state.triggers.size + 1,
    createdAt: '2026-01-01T00:00:00Z',
    ...rest,
    kind: schedule === undefined ? 'nats' : 'schedule',
    ...(schedule === undefined
      ? {}
      : {
          schedule: { expressions: [], timezone: 'UTC', missed: 'skip', overlap: 'allow', body: '', ...schedule },
          nextRuns: ['2026-01-02T00:00:00.000Z', '2026-01-03T00:00:00.000Z'],
        }),
    ...(nats === undefined
      ? {}
      : {
          nats: { subject: '', ...nats },
          status: {
            connected: true,
            inFlight: 1,
            delivered: 7,
            retried: 2,
            failed: 3,
            lag: 4,
            lastError: 'status 500',
          },
        }),
  };
  state.triggers.set(asked.name, made);
  send(response, status, '');
}

function missing({ response, name }: Exchange): void {
  response.writeHead(404, { 'content-type': 'text/plain' }).end(`trigger "${name}" does not exist`);
}

function send(response: Exchange['response'], status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(value === '' ? '' : JSON.stringify(value));
}
