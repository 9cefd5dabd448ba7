import type { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';
import { createBatches, type Failed, type Operations } from './batch-runner.ts';
import { type Failure, failureFrom } from './sqlite-failure.ts';

/** To the thread: operations to run in order as one transaction, or the end. */
export type Request<Operation> = { readonly batch: readonly Operation[] } | 'close';

/** From the thread: opened or why not; the answers of a batch, in its order; closed. */
export type Response<Answer> =
  | { readonly opened: Failure | undefined }
  | { readonly answers: readonly (Answer | Failed)[] }
  | 'closed';

/** What a thread does with the file it is told of. */
export interface Served<Operation, Answer> {
  readonly open: (file: string) => DatabaseSync;
  readonly operations: (db: DatabaseSync) => Operations<Operation, Answer>;
}

/** The thread that may wait for the disk: opens the database it is told of, answers batches, closes. */
export function serveBatches<Operation, Answer>({ open, operations }: Served<Operation, Answer>): void {
  const port = parentPort;
  if (port === null) return;
  const file = String(workerData);
  const post = (response: Response<Answer>): void => port.postMessage(response);
  let db: DatabaseSync;
  try {
    db = open(file);
  } catch (error) {
    post({ opened: failureFrom(error, file) });
    return;
  }
  const batches = createBatches(db, file, operations(db));
  port.on('message', (request: Request<Operation>) => {
    if (request !== 'close') {
      post({ answers: batches.run(request.batch) });
      return;
    }
    db.close();
    post('closed');
    port.close();
  });
  post({ opened: undefined });
}
