/** Runs tasks one after another in the order given; a task that fails does not stop the next. */
export type Serial = <T>(task: () => Promise<T>) => Promise<T>;

/** For read-then-write sequences over several keys that must not overlap within one process. */
export function createSerial(): Serial {
  let last: Promise<unknown> = Promise.resolve();
  return (task) => {
    const run = last.then(task);
    last = run.catch(() => undefined);
    return run;
  };
}
