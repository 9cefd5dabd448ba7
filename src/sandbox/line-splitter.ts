import { StringDecoder } from 'node:string_decoder';

/** Turns chunks of output into lines. */
export interface LineSplitter {
  write(chunk: Buffer): void;
  /** Delivers what stands behind the last newline. */
  end(): void;
}

/**
 * Lines are handed out without their end (`\n` or `\r\n`). One longer than `maxLength` characters (default 65,536)
 * comes in pieces, so a program that never ends a line costs no more memory than that.
 */
export function createLineSplitter(onLine: (line: string) => void, maxLength = 65_536): LineSplitter {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  const take = (text: string): void => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) deliver(line.endsWith('\r') ? line.slice(0, -1) : line);
    while (rest.length > maxLength) {
      onLine(rest.slice(0, maxLength));
      rest = rest.slice(maxLength);
    }
  };
  const deliver = (line: string): void => {
    for (let start = 0; start === 0 || start < line.length; start += maxLength) {
      onLine(line.slice(start, start + maxLength));
    }
  };
  return {
    write: (chunk) => take(decoder.write(chunk)),
    end() {
      take(decoder.end());
      if (rest !== '') deliver(rest);
      rest = '';
    },
  };
}
