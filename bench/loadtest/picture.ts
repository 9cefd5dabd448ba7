/** One moment of a run. */
export interface Moment {
  readonly atMs: number;
  /** Load that was sent, in the unit of the mode. */
  readonly load: number;
  readonly desired: number;
  readonly ready: number;
}

export interface Picture {
  readonly title: string;
  readonly unit: string;
  readonly moments: readonly Moment[];
}

const [width, height, left, right, top, bottom] = [720, 300, 56, 44, 34, 34];

/** An SVG of the load (area, left scale) and the replicas wanted and ready (steps, right scale) over time. */
export function drawPicture({ title, unit, moments }: Picture): string {
  const endMs = Math.max(1, moments.at(-1)?.atMs ?? 1);
  const mostLoad = niceCeiling(Math.max(1, ...moments.map(({ load }) => load)));
  const mostReplicas = Math.max(2, ...moments.map(({ desired, ready }) => Math.max(desired, ready)));
  const x = (atMs: number): number => round(left + (atMs / endMs) * (width - left - right));
  const y = (value: number, most: number): number => round(height - bottom - (value / most) * (height - top - bottom));
  const area = moments.map(({ atMs, load }) => `${x(atMs)},${y(load, mostLoad)}`).join(' ');
  const floor = height - bottom;
  const steps = (of: (moment: Moment) => number): string => stepPath(moments, x, (m) => y(of(m), mostReplicas));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    `<text x="${left}" y="20" font-size="14">${escapeText(title)}</text>`,
    `<polygon points="${x(0)},${floor} ${area} ${x(endMs)},${floor}" fill="#cfe0f5"/>`,
    `<path d="${steps(({ desired }) => desired)}" fill="none" stroke="#d9822b" stroke-width="2"/>`,
    `<path d="${steps(({ ready }) => ready)}" fill="none" stroke="#2a7a3b" stroke-width="2" stroke-dasharray="5 3"/>`,
    `<path d="M${left},${top}V${floor}H${width - right}V${top}" fill="none" stroke="#888"/>`,
    ...[0, 0.5, 1].map((share) => {
      const at = y(share, 1) + 4;
      const replicas = share * mostReplicas;
      return [
        `<text x="${left - 6}" y="${at}" text-anchor="end" fill="#3a6ea5">${round(share * mostLoad)}</text>`,
        `<text x="${width - right + 6}" y="${at}" fill="#d9822b">${round(replicas)}</text>`,
      ].join('');
    }),
    ...[0, 0.25, 0.5, 0.75, 1].map((share) => {
      const atMs = share * endMs;
      return `<text x="${x(atMs)}" y="${height - 16}" text-anchor="middle">${round(atMs / 1_000)} s</text>`;
    }),
    `<text x="${left}" y="${height - 2}" fill="#3a6ea5">load: ${escapeText(unit)}</text>`,
    `<text x="${width - right}" y="${height - 2}" text-anchor="end" fill="#d9822b">replicas wanted (line) and ready (dashed)</text>`,
    '</svg>\n',
  ].join('\n');
}

function stepPath(moments: readonly Moment[], x: (atMs: number) => number, y: (moment: Moment) => number): string {
  let path = '';
  let before: number | undefined;
  moments.forEach((moment, index) => {
    const at = y(moment);
    const isLast = index === moments.length - 1;
    if (before === undefined) path = `M${x(moment.atMs)},${at}`;
    else if (at !== before || isLast) path += `H${x(moment.atMs)}V${at}`;
    before = at;
  });
  return path;
}

function niceCeiling(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 5, 10].find((step) => step * power >= value) ?? 10) * power;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
