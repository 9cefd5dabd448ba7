import type { Connection } from './connection.ts';
import { hasTexts } from './read-reply.ts';
import type { Result } from './result.ts';

export interface ImageSummary {
  readonly image: string;
  readonly digest: string;
  readonly builtAt: string;
}

export interface ImagesClient {
  /** Names that can be deployed. */
  list(): Promise<Result<readonly ImageSummary[]>>;
}

export function createImagesClient(connection: Connection): ImagesClient {
  return { list: () => connection.list({ method: 'GET', path: '/system/images' }, hasTexts('image', 'digest')) };
}
