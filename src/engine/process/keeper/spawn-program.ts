import { type ChildProcess, spawn } from 'node:child_process';
import type { SpawnRequest } from './protocol.ts';

/**
 * Starts the command as leader of its own session, stdin empty, stdout, stderr and the status pipe (fd 3) in our
 * hands. Resolves when it runs; rejects with the system's error when it cannot.
 */
export function spawnProgram(request: SpawnRequest): Promise<ChildProcess> {
  return new Promise((resolve, reject) => {
    const child = spawn(request.file, request.args, {
      cwd: request.cwd,
      env: { ...request.env },
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    });
    if (child.pid === undefined) child.once('error', reject);
    else resolve(child);
  });
}
