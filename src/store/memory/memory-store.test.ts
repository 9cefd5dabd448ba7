import { describeStore } from '../conformance.ts';
import { createMemoryStore } from './memory-store.ts';

describeStore('the memory store', async () => createMemoryStore());
