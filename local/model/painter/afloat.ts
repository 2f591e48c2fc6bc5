import { Path2D } from "@napi-rs/canvas";
import { css, lit, mix, rgb } from "./colour.ts";
import { between, pick } from "./random.ts";
import type { Picture } from "./scene.ts";
import { drawParts, type Part, type Place } from "./shapes.ts";

const stripes: readonly [readonly [string, string], ...(readonly [string, string])[]] = [
  ["#d8402f", "#f7e3b5"],
  ["#2f7fc1", "#f0a63a"],
  ["#e05a86", "#fbe0c8"],
  ["#3fa36b", "#f4d25a"],
];

/** Draws what floats in the air: birds and balloons. */
export function drawAirborne(scene: Picture): void {
  if (scene.features.has("birds")) drawBirds(scene);
  if (scene.features.has("balloon")) drawBalloons(scene);
}

function drawBirds(scene: Picture): void {
  const { context, width, horizon, unit, palette } = scene;
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

function drawBalloons(scene: Picture): void {
  const { width, horizon, unit } = scene;
  const random = scene.stream("balloons");
  for (let balloon = 0; balloon < 5; balloon++) {
    const size = unit * (balloon === 4 ? 0.12 : between(random, 0.025, 0.06));
    const x = width * (0.14 + 0.18 * ((balloon * 2) % 5) + between(random, -0.05, 0.05));
    const y = horizon * between(random, 0.24, 0.7);
    drawBalloon(scene, { x, y, size }, pick(random, stripes));
  }
}

function drawBalloon(scene: Picture, { x, y, size }: Place, colours: readonly [string, string]): void {
  const { context, palette, sun, unit } = scene;
  const veil = Math.max(0, 0.4 - (size / unit) * 4);
  const colour = (hex: string): string =>
    css(mix(lit(rgb(hex), mix(palette.light, palette.shade, 0.25)), palette.haze, veil));
  /** The envelope between two lines from top to bottom, each a part of its half-width from the middle. */
  const envelope = (left: number, right: number): Path2D =>
    new Path2D(
      `M0-1C${left * 1.35}-1 ${left * 1.1} .25 ${left * 0.24} 1H${right * 0.24}C${right * 1.1} .25 ${right * 1.35}-1 0-1`,
    );
  const edge = (gore: number): number => -Math.cos((Math.PI * gore) / 9);
  context.save();
  context.translate(x, y);
  context.scale(size, size);
  for (let gore = 0; gore < 9; gore++) {
    context.fillStyle = colour(colours[gore % 2 === 0 ? 0 : 1]);
    context.fill(envelope(edge(gore), edge(gore + 1)));
  }
  const away = sun.x < x ? 1 : -1;
  const shade = context.createLinearGradient(-away, 0, away, 0);
  shade.addColorStop(0.35, "rgba(20,14,40,0)");
  shade.addColorStop(1, "rgba(20,14,40,0.5)");
  context.fillStyle = shade;
  context.fill(envelope(-1, 1));
  context.fillStyle = colour("#6b4a30");
  context.fillRect(-0.13, 1.22, 0.26, 0.2);
  context.strokeStyle = colour("#4a3a30");
  context.lineWidth = Math.max(0.6 / size, 0.015);
  context.stroke(new Path2D("M-.22 1L-.12 1.24M.22 1L.12 1.24"));
  context.restore();
}

/** Draws the sailing boats with their reflections. */
export function drawBoats(scene: Picture): void {
  if (!scene.features.has("boat") || !scene.water) return;
  const { context, width, height, horizon, unit } = scene;
  const random = scene.stream("boats");
  const count = pick(random, [1, 2, 3] as const);
  for (let place = 0; place < count; place++) {
    const near = place === count - 1 ? between(random, 0.26, 0.4) : between(random, 0.04, 0.14);
    const x = width * (0.5 + (place - (count - 1) / 2) * 0.26 + between(random, -0.08, 0.08));
    const y = horizon + near * (height - horizon);
    const size = unit * (0.03 + near * 0.22);
    drawParts(scene, { x, y, size }, boat);
    context.globalAlpha = 0.32;
    drawParts(scene, { x, y, size, up: -0.7 }, boat);
    context.globalAlpha = 1;
  }
}

const boat: readonly Part[] = [
  ["#5a3d2b", 0, [-0.02, 0.1], [-0.02, 1.5], [0.02, 1.5], [0.02, 0.1]],
  ["#fbf5e6", 0, [0.05, 0.26], [0.05, 1.45], [0.34, 0.9], [0.62, 0.26]],
  ["#e4d8c2", 0, [-0.05, 0.26], [-0.05, 1.3], [-0.48, 0.3]],
  ["#a8402f", 0, [-0.62, 0.18], [0.78, 0.2], [0.52, 0], [-0.45, 0]],
];
