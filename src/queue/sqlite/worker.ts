import { openDatabase } from '../../store/sqlite/open-database.ts';
import { serveBatches } from '../../store/sqlite/serve-batches.ts';
import { queueMigrations } from './migrations.ts';
import { createQueueOperations } from './queue-operations.ts';

/** The queue's thread. */
serveBatches({ open: (file) => openDatabase(file, queueMigrations), operations: createQueueOperations });
