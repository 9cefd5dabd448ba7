import { flagOf, settings } from '../../config/settings-table.ts';

const withValue = new Set([...Object.values(settings).map(({ key }) => `--${flagOf(key)}`), '--config', '--log-level']);

/** Whether the words are `up` with flags that start the platform, and nothing else. */
export function startsPlatform([command, ...words]: readonly string[] = []): boolean {
  if (command !== 'up') return false;
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] as string;
    if (word === '--examples') continue;
    const [flag = ''] = word.split('=', 1);
    if (!withValue.has(flag)) return false;
    if (flag === word) at += 1;
  }
  return true;
}
