import type { CageRef } from '../../sandbox/sandbox.ts';
import type { KeptProgram } from './kept-program.ts';

/** What is known of the program behind a ready instance. */
export interface RunningProgram {
  readonly program: KeptProgram;
  readonly cage: CageRef;
}
