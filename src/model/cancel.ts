/** Hears of a cancellation: a function, or an object that needs no closure. */
export type CancelListener = (() => void) | { handleEvent(): void };

/** The part of an AbortSignal that calls need; every AbortSignal is one. */
export interface CancelSignal {
  readonly aborted: boolean;
  readonly reason: unknown;
  addEventListener(type: 'abort', listener: CancelListener, options?: { readonly once?: boolean }): void;
  removeEventListener(type: 'abort', listener: CancelListener): void;
}

/**
 * What an AbortController and its signal are for one call, in one object: every call has two of them and nearly none is
 * ever cancelled, and with the platform's own the listening alone cost a twentieth of a call. Listeners are called once,
 * in the order they came.
 */
export class Cancel implements CancelSignal {
  aborted = false;
  reason: unknown = undefined;
  #first: CancelListener | undefined;
  #others: CancelListener[] | undefined;

  /** Cancels; the first reason stays. */
  abort(reason: unknown): void {
    if (this.aborted) return;
    this.aborted = true;
    this.reason = reason;
    const listeners = this.#first === undefined ? (this.#others ?? []) : [this.#first, ...(this.#others ?? [])];
    this.#first = undefined;
    this.#others = undefined;
    for (const listener of listeners) {
      if (typeof listener === 'function') listener();
      else listener.handleEvent();
    }
  }

  addEventListener(_type: 'abort', listener: CancelListener): void {
    if (this.aborted) return;
    if (this.#first === undefined && this.#others === undefined) this.#first = listener;
    else (this.#others ??= []).push(listener);
  }

  removeEventListener(_type: 'abort', listener: CancelListener): void {
    if (this.#first === listener) this.#first = undefined;
    else if (this.#others !== undefined) this.#others = this.#others.filter((one) => one !== listener);
  }
}
