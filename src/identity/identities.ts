/** What a numeric id is for. A function's id is its uid and gid, an artifact's a gid, a build's a uid and gid. */
export type IdentityKind = 'function' | 'artifact' | 'build';

/**
 * Hands out numeric user and group ids, each to one owner, remembered in the store. An id that was given back is
 * handed out again only after the whole range was used, so that forgotten files belong to nobody for as long as can be.
 */
export interface Identities {
  /** The id of this owner, given at the first request. Rejects with `unavailable` when the range is used up. */
  assign(kind: IdentityKind, owner: string): Promise<number>;
  release(kind: IdentityKind, owner: string): Promise<void>;
}
