import type { Builder } from '../builder/builder.ts';
import { TinderboxError } from '../model/errors.ts';
import type { RevisionRecord } from '../model/function.ts';
import { notice } from '../observe/channels.ts';
import type { Mirror } from '../store/mirror.ts';

/** Deletes artifacts that neither an image name nor any revision that is kept refers to. */
export async function collectArtifacts(builder: Pick<Builder, 'collect'>, revisions: Mirror): Promise<void> {
  const keep = new Set<string>();
  for (const { value } of revisions.all()) keep.add((value as RevisionRecord).artifact);
  try {
    const gone = await builder.collect(keep);
    if (gone.length === 0) return;
    notice.publish({ level: 'info', part: 'control', message: `deleted ${gone.length} artifacts nobody refers to` });
  } catch (reason) {
    const { message } = TinderboxError.from(reason);
    notice.publish({ level: 'warn', part: 'control', message: `artifacts could not be collected: ${message}` });
  }
}
