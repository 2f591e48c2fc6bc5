import type { SKRSContext2D } from "@napi-rs/canvas";
import { css, lit, mix, rgb } from "./colour.ts";
import { between, pick } from "./random.ts";
import type { Scene } from "./scene.ts";
import { fill, type Place, type Point, shaded } from "./shapes.ts";

const stripes: readonly [readonly [string, string], ...(readonly [string, string])[]] = [
  ["#d8402f", "#f7e3b5"],
  ["#2f7fc1", "#f0a63a"],
  ["#e05a86", "#fbe0c8"],
  ["#3fa36b", "#f4d25a"],
];

/** Draws what floats in the air: birds and balloons. */
export function drawAirborne(context: SKRSContext2D, scene: Scene): void {
  if (scene.features.has("birds")) drawBirds(context, scene);
  if (scene.features.has("balloon")) drawBalloons(context, scene);
}

function drawBirds(context: SKRSContext2D, scene: Scene): void {
  const { width, horizon, unit, palette } = scene;
  const random = scene.stream("birds");
  const flock = { x: width * between(random, 0.3, 0.7), y: horizon * between(random, 0.22, 0.5) };
  context.strokeStyle = css(mix(palette.shade, [10, 12, 24], 0.7), 0.85);
  context.lineCap = "round";
  for (let bird = 0; bird < 11; bird++) {
    const x = flock.x + between(random, -0.16, 0.16) * unit;
    const y = flock.y + between(random, -0.08, 0.08) * unit;
    const wing = unit * between(random, 0.009, 0.018);
    const lift = wing * between(random, 0.3, 0.8);
    context.lineWidth = wing * 0.17;
    context.beginPath();
    context.moveTo(x - wing, y - lift * 0.5);
    context.quadraticCurveTo(x - wing * 0.45, y - lift, x, y);
    context.quadraticCurveTo(x + wing * 0.45, y - lift, x + wing, y - lift * 0.5);
    context.stroke();
  }
}

function drawBalloons(context: SKRSContext2D, scene: Scene): void {
  const { width, horizon, unit } = scene;
  const random = scene.stream("balloons");
  for (let balloon = 0; balloon < 5; balloon++) {
    const size = unit * (balloon === 4 ? 0.12 : between(random, 0.025, 0.06));
    const x = width * (0.14 + 0.18 * ((balloon * 2) % 5) + between(random, -0.05, 0.05));
    drawBalloon(context, scene, x, horizon * between(random, 0.24, 0.7), size, pick(random, stripes));
  }
}

function drawBalloon(
  context: SKRSContext2D,
  { palette, sun, unit }: Scene,
  x: number,
  y: number,
  size: number,
  colours: readonly [string, string],
): void {
  const veil = Math.max(0, 0.4 - (size / unit) * 4);
  const colour = (hex: string): string =>
    css(mix(lit(rgb(hex), mix(palette.light, palette.shade, 0.25)), palette.haze, veil));
  const gores = 9;
  for (let gore = 0; gore < gores; gore++) {
    const left = Math.cos((Math.PI * gore) / gores);
    const right = Math.cos((Math.PI * (gore + 1)) / gores);
    context.fillStyle = colour(colours[gore % 2 === 0 ? 0 : 1]);
    context.beginPath();
    context.moveTo(x, y - size);
    context.bezierCurveTo(
      x - left * size * 1.35,
      y - size,
      x - left * size * 1.1,
      y + size * 0.25,
      x - left * size * 0.24,
      y + size,
    );
    context.lineTo(x - right * size * 0.24, y + size);
    context.bezierCurveTo(
      x - right * size * 1.1,
      y + size * 0.25,
      x - right * size * 1.35,
      y - size,
      x,
      y - size,
    );
    context.fill();
  }
  const away = sun.x < x ? 1 : -1;
  const shade = context.createLinearGradient(x - away * size, 0, x + away * size, 0);
  shade.addColorStop(0.35, "rgba(20,14,40,0)");
  shade.addColorStop(1, "rgba(20,14,40,0.5)");
  context.fillStyle = shade;
  context.beginPath();
  context.moveTo(x, y - size);
  context.bezierCurveTo(
    x - size * 1.35,
    y - size,
    x - size * 1.1,
    y + size * 0.25,
    x - size * 0.24,
    y + size,
  );
  context.lineTo(x + size * 0.24, y + size);
  context.bezierCurveTo(x + size * 1.1, y + size * 0.25, x + size * 1.35, y - size, x, y - size);
  context.fill();
  context.fillStyle = colour("#6b4a30");
  context.fillRect(x - size * 0.13, y + size * 1.22, size * 0.26, size * 0.2);
  context.strokeStyle = colour("#4a3a30");
  context.lineWidth = Math.max(0.6, size * 0.015);
  for (const side of [-1, 1]) {
    context.beginPath();
    context.moveTo(x + side * size * 0.22, y + size);
    context.lineTo(x + side * size * 0.12, y + size * 1.24);
    context.stroke();
  }
}

/** Draws the sailing boats with their reflections. */
export function drawBoats(context: SKRSContext2D, scene: Scene): void {
  if (!scene.features.has("boat") || !scene.water) return;
  const { width, height, horizon, unit } = scene;
  const random = scene.stream("boats");
  const count = pick(random, [1, 2, 3] as const);
  for (let boat = 0; boat < count; boat++) {
    const near = boat === count - 1 ? between(random, 0.26, 0.4) : between(random, 0.04, 0.14);
    const x = width * (0.5 + (boat - (count - 1) / 2) * 0.26 + between(random, -0.08, 0.08));
    const y = horizon + near * (height - horizon);
    const size = unit * (0.03 + near * 0.22);
    drawBoat(context, scene, { x, y, size });
    context.globalAlpha = 0.32;
    drawBoat(context, scene, { x, y, size, up: -0.7 });
    context.globalAlpha = 1;
  }
}

function drawBoat(context: SKRSContext2D, scene: Scene, place: Place): void {
  const shape = (colour: string, ...points: readonly Point[]): void =>
    fill(context, shaded(scene, colour), place, ...points);
  shape("#5a3d2b", [-0.02, 0.1], [-0.02, 1.5], [0.02, 1.5], [0.02, 0.1]);
  shape("#fbf5e6", [0.05, 0.26], [0.05, 1.45], [0.34, 0.9], [0.62, 0.26]);
  shape("#e4d8c2", [-0.05, 0.26], [-0.05, 1.3], [-0.48, 0.3]);
  shape("#a8402f", [-0.62, 0.18], [0.78, 0.2], [0.52, 0], [-0.45, 0]);
}
