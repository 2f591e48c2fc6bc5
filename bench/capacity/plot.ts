import { duration } from "./report.ts";
import type { Run } from "./simulate.ts";

const WIDTH = 720;
const HEIGHT = 320;
const LEFT = 80;
const RIGHT = 20;
const TOP = 50;
const BOTTOM = 40;
const SAMPLES = 100;

/** Times are in seconds. */
interface Point {
  readonly at: number;
  readonly count: number;
}

/** Prompts waiting and pictures there, over time, as an SVG. */
export function plot(title: string, { backlog, finished }: Run): string {
  const end = Math.max(backlog.length - 1, 1);
  let there = 0;
  const pictures: Point[] = [];
  const waiting: Point[] = [];
  for (let sample = 0; sample <= SAMPLES; sample++) {
    const at = Math.round((sample / SAMPLES) * end);
    while ((finished[there] ?? end + 1) <= at) there += 1;
    pictures.push({ at, count: there });
    waiting.push({ at, count: backlog[at] ?? 0 });
  }
  const top = Math.max(1, finished.length, ...waiting.map(({ count }) => count));
  const x = (at: number) => LEFT + (at / end) * (WIDTH - LEFT - RIGHT);
  const y = (count: number) => HEIGHT - BOTTOM - (count / top) * (HEIGHT - TOP - BOTTOM);
  const line = (points: readonly Point[], colour: string) =>
    `<polyline fill="none" stroke="${colour}" stroke-width="2" points="${points
      .map(({ at, count }) => `${x(at).toFixed(1)},${y(count).toFixed(1)}`)
      .join(" ")}"/>`;
  const ticks = [0, 0.25, 0.5, 0.75, 1];
  const vertical = ticks.map(
    (part) =>
      `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(part * top)}" y2="${y(part * top)}" stroke="#ddd"/>` +
      `<text x="${LEFT - 8}" y="${y(part * top) + 4}" text-anchor="end">${Math.round(part * top).toLocaleString("en")}</text>`,
  );
  const horizontal = ticks.map(
    (part) =>
      `<text x="${x(part * end)}" y="${HEIGHT - BOTTOM + 20}" text-anchor="middle">${duration(part * end)}</text>`,
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">`,
    `<title>Prompts waiting and pictures there over time: ${title}</title>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    `<text x="${LEFT}" y="20" font-size="14">${title}</text>`,
    `<text x="${LEFT}" y="38" fill="#c2410c">prompts waiting</text>`,
    `<text x="${LEFT + 120}" y="38" fill="#15803d">pictures there</text>`,
    ...vertical,
    ...horizontal,
    line(waiting, "#c2410c"),
    line(pictures, "#15803d"),
    "</svg>\n",
  ].join("\n");
}
