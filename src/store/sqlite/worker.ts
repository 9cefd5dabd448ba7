import type { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';
import { createBatches } from './batch.ts';
import type { Request, Response } from './messages.ts';
import { openDatabase } from './open-database.ts';
import { failureFrom } from './sqlite-failure.ts';

/** The thread that may wait for the disk: opens the database it is told of, answers batches, closes. */
function serve(
  file: string,
  post: (response: Response) => void,
  listen: (on: (request: Request) => void) => void,
): void {
  let db: DatabaseSync;
  try {
    db = openDatabase(file);
  } catch (error) {
    post({ opened: failureFrom(error, file) });
    return;
  }
  const batches = createBatches(db, file);
  listen((request) => {
    if (request !== 'close') {
      post({ answers: batches.run(request.batch) });
      return;
    }
    db.close();
    post('closed');
  });
  post({ opened: undefined });
}

const port = parentPort;
if (port !== null) {
  serve(
    String(workerData),
    (response) => port.postMessage(response),
    (on) =>
      port.on('message', (request: Request) => {
        on(request);
        if (request === 'close') port.close();
      }),
  );
}
