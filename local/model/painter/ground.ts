import { css, lit, mix, type Rgb, rgb } from "./colour.ts";
import { fractal, gradientNoise } from "./noise.ts";
import { between, pick } from "./random.ts";
import { drawRelief, type Relief } from "./relief.ts";
import type { Picture } from "./scene.ts";
import { fillOval, shaded } from "./shapes.ts";
import { drawConifer, drawLeafyTree, drawPalm, type Tree } from "./trees.ts";
import type { Feature } from "./words.ts";

/** Where things in the foreground stand: the ground's edge at a place across the picture. */
export type GroundAt = (x: number) => number;

const standingHeight = 0.86;
/** How many trees a bank has, by the first feature that is there. */
const bankTrees: readonly (readonly [Feature, number])[] = [
  ["forest", 24],
  ["palms", 7],
  ["beach", 0],
  ["city", 0],
  ["sea", 2],
];
/** How densely trees stand in open country, by the first feature that is there. */
const fieldTrees: readonly (readonly [Feature, number])[] = [
  ["forest", 1],
  ["palms", 0.2],
  ["desert", 0],
  ["autumn", 0.8],
];

/** Draws the bank on the viewer's side of the water, with its trees. */
export function drawBank(scene: Picture): GroundAt {
  const { context, width, height, palette, features, unit } = scene;
  const noise = gradientNoise(scene.stream("bank"));
  const tilt = scene.sun.x < width / 2 ? 1 : -1;
  const top = height * 0.93 - 0.1 * unit;
  const bank: GroundAt = (x) =>
    height * 0.93 - unit * (0.17 * tilt * (x / width - 0.5) + 0.06 * fractal(noise, x / (unit * 0.4), 0, 5));
  context.beginPath();
  context.moveTo(0, height);
  for (let x = 0; x <= width + 4; x += 4) context.lineTo(x, bank(x));
  context.lineTo(width + 4, height);
  context.closePath();
  const sandy =
    features.has("beach") || (features.has("palms") && !features.has("forest") && !features.has("lake"));
  const snowy = features.has("snow");
  const soil = lit(
    rgb(snowy ? "#eef3f8" : sandy ? "#ecd0a0" : features.has("autumn") ? "#98733a" : "#66804a"),
    mix(palette.shade, palette.light, 0.6),
  );
  const lighting = context.createLinearGradient(0, top, 0, height);
  lighting.addColorStop(0, css(mix(soil, palette.haze, 0.1)));
  lighting.addColorStop(1, css(mix(soil, [8, 10, 22], sandy || snowy ? 0.3 : 0.6)));
  context.fillStyle = lighting;
  context.fill();
  if (!sandy && !snowy) drawGrass(scene, bank, soil);
  const trees = bankTrees.find(([feature]) => features.has(feature))?.[1] ?? 5;
  const random = scene.stream("bank trees");
  for (let tree = 0; tree < trees; tree++) {
    const inward = random() ** 1.7 * 0.4;
    const x = (random() < 0.72 === tilt > 0 ? 1 - inward : inward) * width;
    const size = unit * between(random, 0.14, 0.27);
    plant(scene, { x, y: bank(x) + size * 0.05, size, near: 0.9, random });
  }
  return bank;
}

function drawGrass(scene: Picture, ground: GroundAt, soil: Rgb): void {
  const { context, width, height, unit, palette } = scene;
  const random = scene.stream("grass");
  context.lineWidth = unit * 0.0016;
  context.lineCap = "round";
  for (let blade = 0; blade < 900; blade++) {
    const x = random() * width;
    const y = ground(x) + random() ** 2 * (height - ground(x));
    const length = unit * between(random, 0.008, 0.028);
    const lean = between(random, -0.5, 0.5) * length;
    context.strokeStyle = css(
      mix(mix(soil, [8, 10, 22], between(random, 0.1, 0.7)), palette.light, 0.16 * random()),
    );
    context.beginPath();
    context.moveTo(x, y + 2);
    context.quadraticCurveTo(x, y - length * 0.6, x + lean, y - length);
    context.stroke();
  }
}

/** Draws open country up to the viewer's feet, unless the far land already reaches there, and its trees. */
export function drawField(scene: Picture, far: Relief): GroundAt {
  const { width, height, unit, features, land } = scene;
  const { contours } = land === "dunes" || land === "hills" ? far : drawRelief(scene, "hills");
  const random = scene.stream("field trees");
  const density = fieldTrees.find(([feature]) => features.has(feature))?.[1] ?? 0.12;
  for (const { scale, levels } of contours) {
    if (scale > 0.72) break;
    const count = (density * 5 * (width / unit)) / scale ** 0.6;
    for (let tree = 0; tree < count; tree++) {
      const x = random() * width;
      const y = levels[Math.floor(x)] ?? Number.NaN;
      const size = unit * 0.26 * scale * between(random, 0.65, 1.2);
      const inTheWay = scale > 0.3 && Math.abs(x / width - 0.5) < 0.3;
      if (Number.isNaN(y) || inTheWay) continue;
      plant(scene, { x, y: y + size * 0.05, size, near: scale, random });
    }
  }
  if (features.has("flowers")) drawFlowers(scene);
  return () => height * standingHeight;
}

const petals = ["#e8d24a", "#d94f6a", "#f4f1ea", "#b565c9", "#e2603c"] as const;

function drawFlowers(scene: Picture): void {
  const { width, height, unit } = scene;
  const random = scene.stream("flowers");
  for (let flower = 0; flower < 1400; flower++) {
    const near = random() ** 0.7;
    const colour = shaded(scene, pick(random, petals));
    fillOval(scene, colour, random() * width, height * (0.66 + 0.36 * near), unit * 0.008 * near ** 2);
  }
}

function plant(scene: Picture, tree: Tree): void {
  const { features } = scene;
  const palm = features.has("palms") && (!features.has("forest") || tree.random() < 0.5);
  const leafy = ["autumn", "savanna", "flowers"] as const;
  const draw = palm ? drawPalm : leafy.some((feature) => features.has(feature)) ? drawLeafyTree : drawConifer;
  draw(scene, tree);
}
