import type { SurfaceKind, SurfaceName } from './openfaas-surface.ts';

/**
 * Says, inside the test that shows it, that these work as in OpenFaaS. `docs/openfaas.md` is generated from these calls
 * as they stand in the source, so every argument is a literal in quotes.
 */
export function covers<K extends SurfaceKind>(_kind: K, ..._names: SurfaceName<K>[]): void {}

/** As {@link covers}, for what works otherwise than in OpenFaaS: how, in words for the table. */
export function differs<K extends SurfaceKind>(_kind: K, _name: SurfaceName<K>, _how: string): void {}

/** As {@link covers}, for what has no place here: why, in words for the table. The test shows what happens instead. */
export function notApplicable<K extends SurfaceKind>(_kind: K, _name: SurfaceName<K>, _why: string): void {}
