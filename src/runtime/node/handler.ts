import type { Call } from './call.ts';

/** Runs the function for one call, whatever shape its code has. Called with the head; the body may still be coming. */
export type Handler = (call: Call) => void;

/** A loaded function. */
export interface LoadedHandler {
  /** `event-context` or `fetch`. */
  readonly style: string;
  readonly handler: Handler;
}
