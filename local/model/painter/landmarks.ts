import { Path2D } from "@napi-rs/canvas";
import { css, mix } from "./colour.ts";
import type { Picture } from "./scene.ts";
import { box, drawParts, fill, glow, type Part, shaded } from "./shapes.ts";

/** Draws the bridge, the castle and the lighthouse at the horizon, on the side away from the sun. */
export function drawLandmarks(scene: Picture): void {
  const { features, width, horizon, unit } = scene;
  const away = scene.sun.x < width / 2 ? 1 : -1;
  const x = width * (0.5 + away * 0.27);
  if (features.has("castle")) drawCastle(scene, x, horizon + unit * 0.01, unit * 0.3);
  if (features.has("bridge")) drawBridge(scene);
  if (features.has("lighthouse")) drawLighthouse(scene, x, horizon + unit * 0.03, unit * 0.34);
}

function drawCastle(scene: Picture, x: number, y: number, size: number): void {
  const place = { x, y, size };
  const [stone, roof] = ["#b3aa9c", "#5c4a52"];
  drawParts(scene, place, [
    ["#5f7048", 0, [-1.2, -0.02], [-0.5, 0.16], [0.5, 0.16], [1.2, -0.02]],
    [stone, 0, ...box(-0.4, 0.1, 0.4, 0.42)],
  ]);
  const pane = scene.time === "night" ? "#ffd98a" : shaded(scene, roof);
  for (const [left, wide, top] of [
    [-0.5, 0.16, 0.66],
    [0.34, 0.16, 0.72],
    [-0.12, 0.22, 0.86],
  ] as const) {
    drawParts(scene, place, [
      [stone, 0, ...box(left, 0.1, left + wide, top)],
      [roof, 0, [left - 0.03, top], [left + wide / 2, top + 0.28], [left + wide + 0.03, top]],
    ]);
    fill(scene, pane, place, ...box(left + wide * 0.4, top - 0.16, left + wide * 0.6, top - 0.07));
  }
  drawParts(scene, place, [[roof, 0, ...box(-0.06, 0.12, 0.06, 0.28)]]);
}

function drawBridge({ context, width, horizon, unit, palette }: Picture): void {
  const deck = horizon - unit * 0.05;
  const top = deck - unit * 0.24;
  const [left, right] = [width * 0.26, width * 0.74];
  const sag = horizon + unit * 0.125;
  context.strokeStyle = css(mix([176, 72, 52], palette.haze, 0.3));
  const line = (thickness: number, path: string): void => {
    context.lineWidth = unit * thickness;
    context.stroke(new Path2D(path));
  };
  line(0.012, `M0 ${deck}H${width}`);
  for (const x of [left, right]) line(0.014, `M${x} ${horizon + unit * 0.05}V${top}`);
  const [start, end] = [left * 0.6, right + (width - right) * 0.4];
  line(
    0.005,
    `M0 ${deck}Q${start} ${deck - unit * 0.05} ${left} ${top}Q${width / 2} ${sag} ${right} ${top}Q${end} ${deck - unit * 0.05} ${width} ${deck}`,
  );
  for (let x = left; x < right; x += unit * 0.025) {
    const part = (x - left) / (right - left);
    const cable = (1 - part) ** 2 * top + 2 * part * (1 - part) * sag + part ** 2 * top;
    line(0.0016, `M${x} ${cable}V${deck}`);
  }
}

function drawLighthouse(scene: Picture, x: number, y: number, size: number): void {
  const half = (up: number): number => 0.12 - 0.05 * up;
  const stripes = [0, 1, 2, 3, 4].map((stripe): Part => {
    const [low, high] = [0.06 + stripe * 0.15, 0.21 + stripe * 0.15];
    const colour = stripe % 2 === 0 ? "#f4f1ea" : "#c23a30";
    return [colour, 0, [-half(low), low], [-half(high), high], [half(high), high], [half(low), low]];
  });
  drawParts(scene, { x, y, size }, [
    ["#6f6a66", 0, [-0.7, -0.06], [-0.3, 0.08], [0.3, 0.1], [0.8, -0.06]],
    ...stripes,
    ["#8a2f28", 0, [-0.09, 0.9], [0, 1], [0.09, 0.9]],
  ]);
  fill(scene, "#ffe9a8", { x, y, size }, ...box(-0.06, 0.81, 0.06, 0.9));
  if (scene.time !== "day") glow(scene, x, y - size * 0.86, size * 0.8, "rgba(255,236,170,0.6)");
}

/** A car, as parts of its half-length. */
export const car: readonly Part[] = [
  ["#c8402f", 0, [-1, 0.12], [-0.98, 0.36], [-0.6, 0.4], [0.62, 0.42], [0.95, 0.36], [1, 0.12]],
  ["#c8402f", 0, [-0.62, 0.38], [-0.36, 0.68], [0.3, 0.68], [0.6, 0.4]],
  ["#9fb4c4", 0, [-0.5, 0.4], [-0.3, 0.62], [-0.03, 0.62], [-0.03, 0.4]],
  ["#9fb4c4", 0, [0.03, 0.4], [0.03, 0.62], [0.26, 0.62], [0.48, 0.4]],
  ["#26262c", 0.3, [-0.55, 0.14], [-0.54, 0.14]],
  ["#26262c", 0.3, [0.57, 0.14], [0.58, 0.14]],
];
