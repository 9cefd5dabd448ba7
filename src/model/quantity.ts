import { TinderboxError } from './errors.ts';
import { shorten } from './shorten.ts';

const binary: Record<string, number> = { Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40 };
const decimal: Record<string, number> = { '': 1, k: 1e3, K: 1e3, M: 1e6, m: 1e6, G: 1e9, g: 1e9, T: 1e12 };

/** Parses a Kubernetes memory quantity (`128Mi`, `1G`, `1048576`; Docker's `64m` as well) into bytes. */
export function parseMemory(text: string, what = 'memory'): number {
  const match = /^(\d+(?:\.\d+)?)(Ki|Mi|Gi|Ti|[kKMmGgT]?)$/.exec(text.trim());
  const unit = match === null ? undefined : (binary[match[2] ?? ''] ?? decimal[match[2] ?? '']);
  if (match === null || unit === undefined) {
    throw new TinderboxError('invalid', `${what} "${shorten(text)}" is not a quantity such as 128Mi, 1Gi or 500M`);
  }
  return Math.floor(Number(match[1]) * unit);
}

/** Parses a Kubernetes CPU quantity (`100m`, `0.5`, `2`) into thousandths of a core. */
export function parseCpu(text: string, what = 'cpu'): number {
  const match = /^(\d+(?:\.\d+)?)(m?)$/.exec(text.trim());
  if (match === null)
    throw new TinderboxError('invalid', `${what} "${shorten(text)}" is not a quantity such as 100m, 0.5 or 2`);
  return Math.round(Number(match[1]) * (match[2] === 'm' ? 1 : 1000));
}
