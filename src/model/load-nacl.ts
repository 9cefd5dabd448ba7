import { createRequire } from 'node:module';
import type Nacl from 'tweetnacl';

/** NaCl in JavaScript, loaded with the first sealed secret: few platforms ever see one, and it costs some megabytes. */
export function loadNacl(): typeof Nacl {
  return createRequire(import.meta.url)('tweetnacl') as typeof Nacl;
}
