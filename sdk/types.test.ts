// Checked by the compiler alone: what the Node runtime gives a handler is what these types promise.
import type { EventContext } from '../src/runtime/node/event-context.ts';
import type { EventHandler as RuntimeEventHandler } from '../src/runtime/node/event-handler.ts';
import type { FunctionEvent } from '../src/runtime/node/event.ts';
import type {
  FetchContext as RuntimeFetchContext,
  FetchHandler as RuntimeFetchHandler,
} from '../src/runtime/node/fetch-handler.ts';
import type { Context, Event, EventHandler, FetchContext, FetchHandler } from './index.d.ts';

export function given(event: FunctionEvent, context: EventContext, fetchContext: RuntimeFetchContext): void {
  event satisfies Event;
  context satisfies Context;
  fetchContext satisfies FetchContext;
}

export function accepted(event: EventHandler, fetch: FetchHandler): void {
  event satisfies RuntimeEventHandler;
  fetch satisfies RuntimeFetchHandler;
}

export const chained: EventHandler<{ name: string }> = (event, context) =>
  context
    .status(201)
    .headers({ 'x-name': event.body.name, 'set-cookie': ['a=1', 'b=2'] })
    .succeed(event.query['q']);

export const standard = {
  fetch: async (request, { signal, deadline }) => {
    const left = deadline === undefined ? 'no limit' : deadline - Date.now();
    return fetch(request, { signal, headers: { 'x-left': String(left) } });
  },
} satisfies FetchHandler;

// @ts-expect-error a handler must answer with a Response
export const wrong: FetchHandler = { fetch: () => 'text' };

// @ts-expect-error a status is a number
export const wrongStatus: EventHandler = (_event, context) => context.status('201');
