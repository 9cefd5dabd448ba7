/** What the store asks of its worker. Values travel as JSON text: copying a string is cheaper than cloning a tree. */
export type Operation =
  | { readonly kind: 'get'; readonly key: string }
  | { readonly kind: 'list'; readonly key: string }
  | { readonly kind: 'put'; readonly key: string; readonly text: string; readonly expected: number | undefined }
  | { readonly kind: 'delete'; readonly key: string; readonly expected: number | undefined }
  | { readonly kind: 'settings'; readonly key: '' };

export interface Row {
  readonly key: string;
  readonly text: string;
  readonly version: number;
}

/** Pragmas as the connection that writes has them. */
export interface SqliteSettings {
  readonly journalMode: string;
  /** 2 = FULL. */
  readonly synchronous: number;
  readonly lockingMode: string;
  readonly schemaVersion: number;
}

/** Answer to one operation; `written` is the version of a put or of a delete that found something. */
export type Answer =
  | { readonly rows: readonly Row[] }
  | { readonly written: number }
  | { readonly settings: SqliteSettings };
