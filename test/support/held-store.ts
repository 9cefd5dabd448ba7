import type { Store } from '../../src/store/store.ts';

type Step = 'get' | 'put' | 'delete' | 'list';

/** One step of a store that waits for the test. */
export interface Held {
  /** Resolves when somebody is about to take the step. */
  readonly reached: Promise<void>;
  /** Lets it happen. */
  go(): void;
}

/** A store whose steps a test can hold, one by one; all others pass. */
export interface HeldStore extends Store {
  /** Holds the next step of this kind on a key (or prefix) that begins so. */
  hold(step: Step, key: string): Held;
}

export function createHeldStore(store: Store): HeldStore {
  const gates = new Set<{ step: Step; key: string; arrive(): void; readonly open: Promise<void> }>();
  const pass = async (step: Step, key: string): Promise<void> => {
    const gate = [...gates].find((each) => each.step === step && key.startsWith(each.key));
    if (gate === undefined) return;
    gates.delete(gate);
    gate.arrive();
    await gate.open;
  };
  return {
    hold(step, key) {
      const [reached, open] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      gates.add({ step, key, arrive: reached.resolve, open: open.promise });
      return { reached: reached.promise, go: open.resolve };
    },
    async get(key) {
      await pass('get', key);
      return store.get(key);
    },
    async put(key, value, expected) {
      await pass('put', key);
      return store.put(key, value, expected);
    },
    async delete(key, expected) {
      await pass('delete', key);
      return store.delete(key, expected);
    },
    async list(prefix) {
      await pass('list', prefix);
      return store.list(prefix);
    },
    watch: (prefix, listener) => store.watch(prefix, listener),
    close: () => store.close(),
  };
}
