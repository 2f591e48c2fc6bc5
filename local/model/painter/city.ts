import { css, lit, mix, type Rgb, rgb } from "./colour.ts";
import { between, pick, type Random } from "./random.ts";
import type { Picture } from "./scene.ts";

const walls = ["#7d8797", "#948a86", "#5f6b80", "#a39a8f", "#6b7f8c", "#86788a"] as const;
const lamps = ["#ffd98a", "#ffe9bd", "#ffc46b", "#cfe4ff"] as const;

/** Draws a skyline along the horizon, the rearmost buildings first, with a tower if one is asked for. */
export function drawCity(scene: Picture): void {
  if (!scene.features.has("city")) return;
  const { width, unit, horizon, features } = scene;
  const random = scene.stream("city");
  const centre = scene.sun.x < width / 2 ? width * 0.64 : width * 0.36;
  for (const near of [0, 0.5, 1]) {
    if (near === 1 && features.has("tower")) drawTower(scene, centre);
    let x = -0.05 * unit * random();
    while (x < width) {
      const breadth = unit * between(random, 0.03, 0.065) * (0.75 + 0.35 * near);
      const middle = Math.exp(-(((x - centre) / (width * 0.26)) ** 2));
      const storeys = between(random, 0.25, 1) ** 1.5 * (0.14 + 0.32 * middle) * (1.1 - 0.62 * near) + 0.03;
      const low = features.has("tower") ? 0.55 : 1;
      drawBuilding(scene, { x, breadth, tall: storeys * low * Math.min(unit, horizon * 1.5), near }, random);
      x += breadth * between(random, 0.85, 1.25);
    }
  }
}

interface Building {
  readonly x: number;
  readonly breadth: number;
  readonly tall: number;
  readonly near: number;
}

function drawBuilding(scene: Picture, building: Building, random: Random): void {
  const { context, palette, horizon, unit, time, sun } = scene;
  const { x, breadth, tall, near } = building;
  const top = horizon - tall;
  const veil = 0.66 - 0.5 * near;
  const paint = (light: Rgb): Rgb => mix(lit(rgb(wall), light), palette.haze, veil);
  const wall = pick(random, walls);
  const front = paint(mix(palette.shade, palette.light, 0.2));
  const side = paint(mix(palette.shade, palette.light, 0.85));
  const lean = sun.x < x ? 0 : 0.72;
  context.fillStyle = css(front);
  context.fillRect(x, top, breadth, tall + 1);
  context.fillStyle = css(side);
  context.fillRect(x + breadth * lean, top, breadth * 0.28, tall + 1);
  context.fillStyle = css(front);
  const crown = random();
  if (crown < 0.3) context.fillRect(x + breadth * 0.2, top - breadth * 0.3, breadth * 0.6, breadth * 0.32);
  if (crown > 0.84 && near < 1) {
    context.beginPath();
    context.moveTo(x + breadth * 0.15, top + 1);
    context.lineTo(x + breadth * 0.5, top - breadth * 1.3);
    context.lineTo(x + breadth * 0.85, top + 1);
    context.fill();
  }
  const share = { day: 0, dawn: 0.16, sunset: 0.34, night: 0.52 }[time];
  const pane = unit * (0.0042 + 0.0016 * near);
  for (let y = top + pane * 1.5; y < horizon - pane; y += pane * 2.3) {
    for (let across = x + pane; across < x + breadth - pane * 1.4; across += pane * 2) {
      const on = random() < share;
      context.fillStyle = on
        ? css(mix(rgb(pick(random, lamps)), palette.haze, veil * 0.5), 0.95)
        : css(mix(front, palette.sky[time === "night" ? 0 : 1], 0.5), 0.5);
      context.fillRect(across, y, pane, pane * 1.3);
    }
  }
}

function drawTower({ palette, unit, horizon, time, context }: Picture, x: number): void {
  const tall = Math.min(unit, horizon * 1.5) * 0.47;
  const halfAt = (part: number): number => tall * (0.2 * (1 - part) ** 2.4 + 0.012 * (1 - part) + 0.003);
  const iron = lit(
    rgb(time === "night" ? "#ffcf80" : "#8a6a52"),
    time === "night" ? rgb("#ffe0a8") : mix(palette.light, palette.shade, 0.5),
  );
  const colour = css(mix(iron, palette.haze, 0.14));
  context.strokeStyle = colour;
  context.fillStyle = colour;
  const steps = 26;
  for (let step = 0; step < steps; step++) {
    const [low, high] = [(step / steps) ** 0.9, ((step + 1) / steps) ** 0.9];
    const [bottom, top] = [horizon - low * tall, horizon - high * tall];
    const arch = low < 0.16 ? 0.62 : 0;
    const line = (thickness: number, from: number, to: number): void => {
      context.lineWidth = tall * thickness;
      context.beginPath();
      context.moveTo(x + from * halfAt(low), bottom);
      context.lineTo(x + to * halfAt(high), top);
      context.stroke();
    };
    for (const side of [-1, 1]) {
      line(0.014 - 0.009 * low, side, side);
      line(0.014 - 0.009 * low, side * arch, side * arch);
      line(0.0035, side, arch ? side * arch : -side);
      line(0.0035, side * (arch || 1), side);
    }
  }
  for (const level of [0.17, 0.36, 0.93]) {
    const half = halfAt(level) * 1.15 + tall * 0.004;
    context.fillRect(x - half, horizon - level * tall, half * 2, tall * 0.016);
  }
  context.fillRect(x - tall * 0.003, horizon - tall * 1.06, tall * 0.006, tall * 0.08);
}
