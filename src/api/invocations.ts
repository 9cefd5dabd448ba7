import { TinderboxError } from '../model/errors.ts';
import {
  type InvocationState,
  type InvocationStatus,
  invocationStates,
  type QueueDepth,
} from '../model/invocation-status.ts';
import type { FunctionKey } from '../model/names.ts';
import type { AsyncCalls } from '../queue/async-calls.ts';
import type { CallView } from '../queue/job.ts';

/** What the API asks of the queue. */
export type StoredCalls = Pick<AsyncCalls, 'depth' | 'history' | 'deadLetters' | 'cancel' | 'backbone'>;

export interface InvocationFilter {
  readonly function: FunctionKey | undefined;
  /** States separated by commas; undefined: all. */
  readonly states: string | undefined;
  /** Default 100, at most 1,000. */
  readonly limit: string | undefined;
}

/** Stored calls: what became of them, and what can be done with them. */
export interface Invocations {
  /** The newest first. Throws `invalid` for a state or limit that is none. */
  list(filter: InvocationFilter): Promise<readonly InvocationStatus[]>;
  /** With the beginning of its answer. Throws `not-found`. */
  get(id: string): Promise<InvocationStatus>;
  /** Throws `not-found` when it neither waits nor runs. */
  cancel(id: string): Promise<void>;
  /** A dead letter becomes a call again, with all its attempts. Throws `not-found`. */
  replay(id: string): Promise<void>;
  /** Removes the dead letters of a function; resolves with how many. */
  purge(key: FunctionKey): Promise<number>;
  depth(): Promise<readonly QueueDepth[]>;
}

const mostListed = 1000;

export function createInvocations(calls: StoredCalls): Invocations {
  return {
    async list({ function: lane, states, limit }) {
      const filter = { limit: parseLimit(limit), states: parseStates(states) };
      const history = await calls.history();
      return (await history.list(lane === undefined ? filter : { ...filter, lane })).map((view) => statusFrom(view));
    },
    async get(id) {
      const view = await (await calls.history()).get(id);
      if (view === undefined) throw unknownCall(id);
      const { last } = view;
      if (last === undefined) return statusFrom(view);
      const response = Buffer.from(last.response).toString('utf8');
      return { ...statusFrom(view), response, truncated: last.truncated };
    },
    async cancel(id) {
      if (!(await calls.cancel(id))) throw new TinderboxError('not-found', `there is no call ${id} that waits or runs`);
    },
    async replay(id) {
      if (!(await (await calls.deadLetters()).replay(id))) {
        throw new TinderboxError('not-found', `there is no dead letter ${id}`);
      }
    },
    purge: async (lane) => await (await calls.deadLetters()).purge({ lane }),
    depth: async () => (await calls.depth()).map(({ lane, ...depth }) => ({ function: lane, ...depth })),
  };
}

function statusFrom(view: CallView): InvocationStatus {
  const { id, lane, state, createdMs, dueMs, startedMs, finishedMs, attempts, used, reason, last } = view;
  return {
    id,
    function: lane,
    state,
    created: new Date(createdMs).toISOString(),
    ...(dueMs === undefined ? {} : { due: new Date(dueMs).toISOString() }),
    ...(startedMs === undefined ? {} : { started: new Date(startedMs).toISOString() }),
    ...(finishedMs === undefined ? {} : { finished: new Date(finishedMs).toISOString() }),
    attempts,
    billedMs: used.billedMs,
    gbSeconds: Number(used.gbSeconds.toPrecision(12)),
    ...(last === undefined ? {} : { status: last.status, durationMs: last.durationMs }),
    ...(reason === undefined ? {} : { reason }),
  };
}

function parseStates(text: string | undefined): readonly InvocationState[] {
  if (text === undefined) return invocationStates;
  return text.split(',').map((part) => {
    const found = invocationStates.find((state) => state === part.trim());
    if (found === undefined)
      throw new TinderboxError('invalid', `state: "${part}" is not one of ${invocationStates.join(', ')}`);
    return found;
  });
}

function parseLimit(text: string | undefined): number {
  if (text === undefined) return 100;
  const limit = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= mostListed) return limit;
  throw new TinderboxError('invalid', `limit: "${text}" is not a whole number from 1 to ${mostListed}`);
}

function unknownCall(id: string): TinderboxError {
  return new TinderboxError('not-found', `there is no stored call ${id}`, {
    hint: 'calls that are over are kept up to the number queue.history and the age queue.historyAge',
  });
}
