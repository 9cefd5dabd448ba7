import { mkdir, readdir, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { defaultNamespace } from '../model/names.ts';
import { formatNamespaceRecordKey } from '../model/record-keys.ts';
import { notice } from '../observe/channels.ts';
import type { CageRef, Sandbox } from '../sandbox/sandbox.ts';
import { removeTree } from '../sandbox/remove-tree.ts';
import type { Store } from '../store/store.ts';
import { cagesEnding, removeWork } from './worker-client.ts';
import { asidePrefix } from './worker-protocol.ts';

/** Kills builds an earlier platform left running, removes their folders, and puts back what they had not replaced yet. */
export async function sweepBuilds(artifacts: string, sandbox: Sandbox): Promise<void> {
  for (const name of await readdir(artifacts)) {
    const folder = join(artifacts, name);
    try {
      if (name.startsWith(asidePrefix)) {
        // Fails where the new one is there, and then this one is not needed.
        await rename(folder, join(artifacts, name.slice(asidePrefix.length))).catch(() => removeTree(folder));
        continue;
      }
      if (!name.startsWith('.tmp-')) continue;
      const work = name.endsWith(cagesEnding) ? folder.slice(0, -cagesEnding.length) : folder;
      const text = await readFile(work + cagesEnding, 'utf8').catch(() => '[]');
      for (const cage of JSON.parse(text) as CageRef[]) await sandbox.destroy(cage);
      await removeWork(work);
    } catch (reason) {
      stays(folder, reason);
    }
  }
}

/** Removes the dependency caches of namespaces that are gone; `dir` has one folder a namespace; made when absent. */
export async function sweepCaches(dir: string, store: Store): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o711 });
  for (const namespace of await readdir(dir)) {
    if (namespace === defaultNamespace || (await store.get(formatNamespaceRecordKey(namespace))) !== undefined)
      continue;
    const folder = join(dir, namespace);
    await removeTree(folder).catch((reason: unknown) => stays(folder, reason));
  }
}

function stays(folder: string, reason: unknown): void {
  notice.publish({ level: 'warn', part: 'builder', message: `${folder} stays`, details: { reason: String(reason) } });
}
