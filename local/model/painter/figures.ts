import { drawAnimals } from "./animals.ts";
import type { GroundAt } from "./ground.ts";
import { car } from "./landmarks.ts";
import { between, pick } from "./random.ts";
import { hasLights, type Picture } from "./scene.ts";
import { box, drawParts, fill, glow, type Part, type Point, shaded } from "./shapes.ts";

const jackets = ["#d8402f", "#f0a63a", "#2f7fc1", "#e05a86", "#3fa36b"] as const;
const lamplight = "rgba(255,190,90,0.55)";

/** Draws people, animals and things where they can stand, centred on a place. */
export function drawFigures(scene: Picture, ground: GroundAt, centre: number, size: number): void {
  const { features, width } = scene;
  const random = scene.stream("figures");
  const side = centre < width / 2 ? 1 : -1;
  drawAnimals(scene, ground, size);
  if (features.has("cabin")) drawCabin(scene, centre + side * size * 4.2, ground, size * 1.5);
  if (features.has("tent")) drawTent(scene, centre + side * size * 2, ground, size);
  if (features.has("car")) {
    const x = centre + side * size * 2.6;
    drawParts(scene, { x, y: ground(x), size: size * 0.9 }, car);
  }
  if (features.has("couch")) drawCouch(scene, centre - side * size * 1.3, ground, size * 0.62);
  if (!features.has("people")) return;
  const count = features.has("company") ? pick(random, [2, 3, 4] as const) : 1;
  for (let index = 0; index < count; index++) {
    const x = centre + index * size * 0.62 * side;
    const place = { x, y: ground(x), size: size * between(random, 0.88, 1) };
    drawParts(scene, place, person(pick(random, jackets), index === 0));
  }
}

/** @param cheers whether the arms are up */
function person(jacket: string, cheers: boolean): Part[] {
  const trousers = "#3a3d52";
  const left: Point[] = cheers
    ? [
        [-0.27, 0.9],
        [-0.3, 1.12],
      ]
    : [
        [-0.17, 0.56],
        [-0.14, 0.42],
      ];
  const right: Point[] = cheers
    ? [
        [0.27, 0.9],
        [0.3, 1.12],
      ]
    : [
        [0.19, 0.58],
        [0.24, 0.44],
      ];
  return [
    [trousers, 0.12, [-0.09, 0], [-0.06, 0.24], [-0.04, 0.45]],
    [trousers, 0.12, [0.1, 0], [0.07, 0.24], [0.04, 0.45]],
    ["#5a4632", 0.17, [-0.14, 0.54], [-0.13, 0.72]],
    [jacket, 0.24, [0, 0.52], [0, 0.7]],
    [jacket, 0.09, [-0.1, 0.74], ...left],
    [jacket, 0.09, [0.1, 0.74], ...right],
    ["#e2b48f", 0.19, [0, 0.91], [0, 0.93]],
    [trousers, 0.16, [-0.02, 0.99], [0.02, 0.99]],
  ];
}

function drawCouch(scene: Picture, x: number, ground: GroundAt, size: number): void {
  const { context } = scene;
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

function drawTent(scene: Picture, x: number, ground: GroundAt, size: number): void {
  const place = { x, y: ground(x) + size * 0.08, size };
  const isLit = hasLights(scene);
  if (isLit) glow(scene, x, place.y - size * 0.3, size * 2.2, lamplight);
  fill(scene, isLit ? "#f2a33c" : shaded(scene, "#f2a33c"), place, [-0.9, 0], [0.15, 0.85], [0.5, 0]);
  fill(scene, shaded(scene, "#c46f2a"), place, [0.15, 0.85], [0.5, 0], [1, 0.1]);
  fill(scene, isLit ? "#ffe2a0" : shaded(scene, "#5e3a24"), place, [-0.35, 0], [0.1, 0.6], [0.18, 0]);
}

function drawCabin(scene: Picture, x: number, ground: GroundAt, size: number): void {
  const place = { x, y: ground(x) + size * 0.1, size };
  const roof = scene.features.has("snow") ? "#eef3f8" : "#6b3f35";
  if (hasLights(scene)) glow(scene, x, place.y - size * 0.3, size * 1.7, lamplight);
  drawParts(scene, place, [
    ["#6d6460", 0, ...box(0.3, 0.8, 0.44, 1.2)],
    ["#8a5a3c", 0, ...box(-0.62, 0, 0.62, 0.6)],
    [roof, 0, [-0.78, 0.54], [-0.4, 1.08], [0.4, 1.08], [0.78, 0.54]],
    ["#4a2f22", 0, ...box(-0.09, 0, 0.11, 0.4)],
  ]);
  const glass = hasLights(scene) ? "#ffd983" : shaded(scene, "#43505e");
  for (const left of [-0.44, 0.22]) fill(scene, glass, place, ...box(left, 0.2, left + 0.22, 0.42));
}
