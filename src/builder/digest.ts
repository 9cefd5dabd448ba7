import { createHash } from 'node:crypto';
import type { BuildOrder } from './build-order.ts';
import type { HostFacts } from './host-facts.ts';
import type { BuildPlan } from './plan.ts';
import { compareText } from './source-tree.ts';

/**
 * Content address of a build: `sha256:` and 64 hex digits over the normalised source and all that shapes what is made
 * of it. Where untrusted steps run, the namespace counts too: its dependency cache is its own, and what another
 * namespace might have put into theirs must never be taken for ours.
 */
export function computeDigest(
  sourceHash: string,
  plan: BuildPlan,
  order: BuildOrder,
  toolchain: string,
  host: HostFacts,
): string {
  const parts = {
    source: sourceHash,
    ...host,
    toolchain,
    language: plan.runtime,
    mode: plan.mode,
    root: plan.root,
    process: plan.process ?? null,
    handler: plan.handler ?? null,
    steps: plan.steps,
    files: plan.files ?? [],
    env: Object.entries(plan.env ?? {}).sort(([a], [b]) => compareText(a, b)),
    namespace: plan.steps.length > 0 ? order.namespace : null,
    buildArgs: Object.entries(order.buildArgs).sort(([a], [b]) => compareText(a, b)),
  };
  return `sha256:${createHash('sha256').update(JSON.stringify(parts)).digest('hex')}`;
}
