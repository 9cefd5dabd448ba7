const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];

/** Bytes with four digits at most, as OpenFaaS's watchdog logs them: `12B`, `1.235kB`, `3.4MB`. */
export function formatHumanSize(bytes: number): string {
  let [size, unit] = [bytes, 0];
  while (size >= 1000 && unit < units.length - 1) [size, unit] = [size / 1000, unit + 1];
  return `${Number(size.toPrecision(4))}${units[unit]}`;
}
