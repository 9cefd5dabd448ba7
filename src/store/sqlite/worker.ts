import { createEntryOperations } from './entry-operations.ts';
import { openDatabase } from './open-database.ts';
import { serveBatches } from './serve-batches.ts';

/** The store's thread. */
serveBatches({ open: (file) => openDatabase(file), operations: createEntryOperations });
