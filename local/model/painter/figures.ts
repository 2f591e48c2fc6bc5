import type { SKRSContext2D } from "@napi-rs/canvas";
import { drawAnimals } from "./animals.ts";
import type { GroundAt } from "./ground.ts";
import { drawCar } from "./landmarks.ts";
import type { Random } from "./random.ts";
import { between, pick } from "./random.ts";
import type { Scene } from "./scene.ts";
import { drawStrokes, fill, glow, type Place, shaded } from "./shapes.ts";

const jackets: readonly [string, ...string[]] = ["#d8402f", "#f0a63a", "#2f7fc1", "#e05a86", "#3fa36b"];
const lamplight = "rgba(255,190,90,0.55)";

/** Draws people, animals and things where they can stand, centred on a place. */
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
  drawAnimals(context, scene, ground, size);
  if (features.has("cabin")) drawCabin(context, scene, centre + side * size * 4.2, ground, size * 1.5);
  if (features.has("tent")) drawTent(context, scene, centre + side * size * 2, ground, size);
  if (features.has("car")) drawCar(context, scene, ground, centre + side * size * 2.6, size * 0.9);
  if (features.has("couch")) drawCouch(context, scene, centre - side * size * 1.3, ground, size * 0.62);
  if (!features.has("people")) return;
  const count = features.has("company") ? pick(random, [2, 3, 4] as const) : 1;
  for (let person = 0; person < count; person++) {
    const x = centre + person * size * 0.62 * side;
    const place = { x, y: ground(x), size: size * between(random, 0.88, 1) };
    drawPerson(context, scene, place, random, person === 0);
  }
}

function drawPerson(
  context: SKRSContext2D,
  scene: Scene,
  place: Place,
  random: Random,
  cheers: boolean,
): void {
  const jacket = pick(random, jackets);
  const trousers = "#3a3d52";
  drawStrokes(context, scene, place, [
    [trousers, 0.12, [-0.09, 0], [-0.06, 0.24], [-0.04, 0.45]],
    [trousers, 0.12, [0.1, 0], [0.07, 0.24], [0.04, 0.45]],
    ["#5a4632", 0.17, [-0.14, 0.54], [-0.13, 0.72]],
    [jacket, 0.24, [0, 0.52], [0, 0.7]],
    cheers
      ? [jacket, 0.09, [-0.1, 0.74], [-0.27, 0.9], [-0.3, 1.12]]
      : [jacket, 0.09, [-0.1, 0.74], [-0.17, 0.56], [-0.14, 0.42]],
    cheers
      ? [jacket, 0.09, [0.1, 0.74], [0.27, 0.9], [0.3, 1.12]]
      : [jacket, 0.09, [0.1, 0.74], [0.19, 0.58], [0.24, 0.44]],
    ["#e2b48f", 0.19, [0, 0.91], [0, 0.93]],
    [trousers, 0.16, [-0.02, 0.99], [0.02, 0.99]],
  ]);
}

function drawCouch(context: SKRSContext2D, scene: Scene, x: number, ground: GroundAt, size: number): void {
  const y = Math.max(ground(x - size * 0.7), ground(x + size * 0.7)) + size * 0.06;
  for (const [left, top, wide, high, colour] of [
    [-0.8, 0.16, 0.12, 0.18, "#5a3b26"],
    [0.68, 0.16, 0.12, 0.18, "#5a3b26"],
    [-0.82, 1, 1.64, 0.75, "#a8402f"],
    [-0.72, 0.62, 0.74, 0.3, "#d9674c"],
    [-0.02, 0.62, 0.74, 0.3, "#d9674c"],
    [-0.86, 0.38, 1.72, 0.26, "#b54a36"],
    [-1, 0.72, 0.3, 0.62, "#c4543d"],
    [0.7, 0.72, 0.3, 0.62, "#c4543d"],
  ] as const) {
    context.fillStyle = shaded(scene, colour);
    context.beginPath();
    context.roundRect(x + left * size, y - top * size, wide * size, high * size, size * 0.13);
    context.fill();
  }
}

function drawTent(context: SKRSContext2D, scene: Scene, x: number, ground: GroundAt, size: number): void {
  const place = { x, y: ground(x) + size * 0.08, size };
  const lit = scene.time === "night" || scene.time === "sunset";
  if (lit) glow(context, x, place.y - size * 0.3, size * 2.2, lamplight);
  fill(context, lit ? "#f2a33c" : shaded(scene, "#f2a33c"), place, [-0.9, 0], [0.15, 0.85], [0.5, 0]);
  fill(context, shaded(scene, "#c46f2a"), place, [0.15, 0.85], [0.5, 0], [1, 0.1]);
  fill(context, lit ? "#ffe2a0" : shaded(scene, "#5e3a24"), place, [-0.35, 0], [0.1, 0.6], [0.18, 0]);
}

function drawCabin(context: SKRSContext2D, scene: Scene, x: number, ground: GroundAt, size: number): void {
  const place = { x, y: ground(x) + size * 0.1, size };
  const lit = scene.time === "night" || scene.time === "sunset";
  const roof = shaded(scene, scene.features.has("snow") ? "#eef3f8" : "#6b3f35");
  const box = (left: number, top: number, wide: number, high: number, colour: string): void => {
    context.fillStyle = colour;
    context.fillRect(x + left * size, place.y - top * size, wide * size, high * size);
  };
  if (lit) glow(context, x, place.y - size * 0.3, size * 1.7, lamplight);
  box(0.3, 1.2, 0.14, 0.4, shaded(scene, "#6d6460"));
  box(-0.62, 0.6, 1.24, 0.6, shaded(scene, "#8a5a3c"));
  fill(context, roof, place, [-0.78, 0.54], [-0.4, 1.08], [0.4, 1.08], [0.78, 0.54]);
  const glass = lit ? "#ffd983" : shaded(scene, "#43505e");
  box(-0.44, 0.42, 0.22, 0.22, glass);
  box(0.22, 0.42, 0.22, 0.22, glass);
  box(-0.09, 0.4, 0.2, 0.4, shaded(scene, "#4a2f22"));
}
