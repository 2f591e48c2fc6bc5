import type { SKRSContext2D } from "@napi-rs/canvas";
import type { Rgb } from "./colour.ts";
import { css, lit, mix, rgb } from "./colour.ts";
import type { GroundAt } from "./ground.ts";
import type { Random } from "./random.ts";
import { between, pick } from "./random.ts";
import type { Scene } from "./scene.ts";

const jackets: readonly [string, ...string[]] = ["#d8402f", "#f0a63a", "#2f7fc1", "#e05a86", "#3fa36b"];

/** Draws the people, the couch, the tent and the cabin where they can stand, centred on a place. */
export function drawFigures(
  context: SKRSContext2D,
  scene: Scene,
  ground: GroundAt,
  centre: number,
  size: number,
): void {
  const { features, width } = scene;
  const random = scene.stream("figures");
  const side = centre < width / 2 ? 1 : -1;
  if (features.has("cabin")) drawCabin(context, scene, centre + side * size * 4.2, ground, size * 1.5);
  if (features.has("tent")) drawTent(context, scene, centre + side * size * 2, ground, size);
  if (features.has("couch")) drawCouch(context, scene, centre - side * size * 1.3, ground, size * 0.62);
  if (!features.has("people")) return;
  const count = features.has("company") ? pick(random, [2, 3, 4] as const) : 1;
  for (let person = 0; person < count; person++) {
    const x = centre + person * size * 0.62 * side;
    drawPerson(
      context,
      scene,
      { x, y: ground(x), size: size * between(random, 0.88, 1) },
      random,
      person === 0,
    );
  }
}

interface Figure {
  readonly x: number;
  readonly y: number;
  readonly size: number;
}

function shaded(scene: Scene, colour: Rgb): string {
  return css(lit(colour, mix(scene.palette.light, scene.palette.shade, 0.35)));
}

function drawPerson(
  context: SKRSContext2D,
  scene: Scene,
  { x, y, size }: Figure,
  random: Random,
  cheers: boolean,
): void {
  const jacket = shaded(scene, rgb(pick(random, jackets)));
  const dark = shaded(scene, rgb("#3a3d52"));
  const limb = (
    colour: string,
    thickness: number,
    ...points: readonly (readonly [number, number])[]
  ): void => {
    context.strokeStyle = colour;
    context.lineWidth = size * thickness;
    context.beginPath();
    for (const [px, py] of points) context.lineTo(x + px * size, y - py * size);
    context.stroke();
  };
  context.lineCap = "round";
  context.lineJoin = "round";
  limb(dark, 0.12, [-0.09, 0], [-0.06, 0.24], [-0.04, 0.45]);
  limb(dark, 0.12, [0.1, 0], [0.07, 0.24], [0.04, 0.45]);
  limb(shaded(scene, rgb("#5a4632")), 0.17, [-0.14, 0.54], [-0.13, 0.72]);
  limb(jacket, 0.24, [0, 0.52], [0, 0.7]);
  limb(
    jacket,
    0.09,
    [-0.1, 0.74],
    [cheers ? -0.27 : -0.17, cheers ? 0.9 : 0.56],
    [cheers ? -0.3 : -0.14, cheers ? 1.12 : 0.42],
  );
  limb(
    jacket,
    0.09,
    [0.1, 0.74],
    [cheers ? 0.27 : 0.19, cheers ? 0.9 : 0.58],
    [cheers ? 0.3 : 0.24, cheers ? 1.12 : 0.44],
  );
  limb(shaded(scene, rgb("#e2b48f")), 0.19, [0, 0.91], [0, 0.93]);
  limb(dark, 0.16, [-0.02, 0.99], [0.02, 0.99]);
}

function drawCouch(context: SKRSContext2D, scene: Scene, x: number, ground: GroundAt, size: number): void {
  const y = Math.max(ground(x - size * 0.7), ground(x + size * 0.7)) + size * 0.06;
  const block = (left: number, top: number, wide: number, high: number, colour: string): void => {
    context.fillStyle = shaded(scene, rgb(colour));
    context.beginPath();
    context.roundRect(x + left * size, y - top * size, wide * size, high * size, size * 0.13);
    context.fill();
  };
  block(-0.8, 0.16, 0.12, 0.18, "#5a3b26");
  block(0.68, 0.16, 0.12, 0.18, "#5a3b26");
  block(-0.82, 1, 1.64, 0.75, "#a8402f");
  block(-0.72, 0.62, 0.74, 0.3, "#d9674c");
  block(-0.02, 0.62, 0.74, 0.3, "#d9674c");
  block(-0.86, 0.38, 1.72, 0.26, "#b54a36");
  block(-1, 0.72, 0.3, 0.62, "#c4543d");
  block(0.7, 0.72, 0.3, 0.62, "#c4543d");
}

function drawTent(context: SKRSContext2D, scene: Scene, x: number, ground: GroundAt, size: number): void {
  const y = ground(x) + size * 0.08;
  const night = scene.time === "night" || scene.time === "sunset";
  const face = (colour: string, ...points: readonly (readonly [number, number])[]): void => {
    context.fillStyle = colour;
    context.beginPath();
    for (const [px, py] of points) context.lineTo(x + px * size, y - py * size);
    context.closePath();
    context.fill();
  };
  if (night) drawGlow(context, x, y - size * 0.3, size * 2.2);
  face(night ? "#f2a33c" : shaded(scene, rgb("#f2a33c")), [-0.9, 0], [0.15, 0.85], [0.5, 0]);
  face(shaded(scene, rgb("#c46f2a")), [0.15, 0.85], [0.5, 0], [1, 0.1]);
  face(night ? "#ffe2a0" : shaded(scene, rgb("#5e3a24")), [-0.35, 0], [0.1, 0.6], [0.18, 0]);
}

function drawCabin(context: SKRSContext2D, scene: Scene, x: number, ground: GroundAt, size: number): void {
  const y = ground(x) + size * 0.1;
  const dim = scene.time === "night" || scene.time === "sunset";
  const roof = scene.features.has("snow") ? "#eef3f8" : "#6b3f35";
  const box = (left: number, top: number, wide: number, high: number, colour: string): void => {
    context.fillStyle = colour;
    context.fillRect(x + left * size, y - top * size, wide * size, high * size);
  };
  if (dim) drawGlow(context, x, y - size * 0.3, size * 1.7);
  box(0.3, 1.2, 0.14, 0.4, shaded(scene, rgb("#6d6460")));
  box(-0.62, 0.6, 1.24, 0.6, shaded(scene, rgb("#8a5a3c")));
  context.fillStyle = shaded(scene, rgb(roof));
  context.beginPath();
  for (const [px, py] of [
    [-0.78, 0.54],
    [-0.4, 1.08],
    [0.4, 1.08],
    [0.78, 0.54],
  ] as const) {
    context.lineTo(x + px * size, y - py * size);
  }
  context.fill();
  const glass = dim ? "#ffd983" : shaded(scene, rgb("#43505e"));
  box(-0.44, 0.42, 0.22, 0.22, glass);
  box(0.22, 0.42, 0.22, 0.22, glass);
  box(-0.09, 0.4, 0.2, 0.4, shaded(scene, rgb("#4a2f22")));
}

function drawGlow(context: SKRSContext2D, x: number, y: number, radius: number): void {
  const glow = context.createRadialGradient(x, y, 0, x, y, radius);
  glow.addColorStop(0, "rgba(255,190,90,0.55)");
  glow.addColorStop(1, "rgba(255,190,90,0)");
  context.fillStyle = glow;
  context.fillRect(x - radius, y - radius, radius * 2, radius * 2);
}
