import { css, lit, mix, rgb } from "./colour.ts";
import { between, pick, type Random } from "./random.ts";
import type { Picture } from "./scene.ts";
import { fillOval } from "./shapes.ts";

/** Where a tree stands, how tall it is, and how near: 0 at the horizon, 1 at the viewer's feet. */
export interface Tree {
  readonly x: number;
  readonly y: number;
  readonly size: number;
  readonly near: number;
  readonly random: Random;
}

/** Draws a fir, its sunward half in the light, or under snow in winter. */
export function drawConifer(scene: Picture, { x, y, size, near, random }: Tree): void {
  const { context, palette, features, sun } = scene;
  const green = lit(rgb("#3d6142"), mix(palette.shade, palette.light, 0.25));
  const dark = mix(mix(green, palette.haze, 0.42 * (1 - near)), [6, 10, 18], 0.45 * near);
  const bright = features.has("snow")
    ? mix(lit(rgb("#f2f6fb"), mix(palette.shade, palette.light, 0.7)), dark, 0.2)
    : mix(dark, palette.light, 0.2);
  const tiers = 7;
  const half = size * between(random, 0.18, 0.26);
  const side = (direction: number): [number, number][] => {
    const points: [number, number][] = [[x, y - size]];
    for (let tier = 1; tier <= tiers; tier++) {
      const reach = half * (tier / tiers) * between(random, 0.8, 1.15);
      const level = y - size * (1 - (tier / tiers) * 0.94);
      points.push([x + direction * reach, level], [x + direction * reach * 0.5, level - size * 0.015]);
    }
    return [
      ...points,
      [x + direction * size * 0.015, y - size * 0.06],
      [x + direction * size * 0.015, y],
      [x, y],
    ];
  };
  const sunward = sun.x < x ? -1 : 1;
  for (const [direction, colour] of [
    [-sunward, dark],
    [sunward, bright],
  ] as const) {
    context.beginPath();
    for (const [px, py] of side(direction)) context.lineTo(px, py);
    context.closePath();
    context.fillStyle = css(colour);
    context.fill();
  }
}

/** Draws a palm leaning a little, with a crown of fronds. */
export function drawPalm(scene: Picture, { x, y, size, near, random }: Tree): void {
  const { context, palette } = scene;
  const tall = size * 1.5;
  const lean = between(random, -0.3, 0.3) * tall;
  const crown = { x: x + lean, y: y - tall };
  const dusk = mix(palette.shade, [6, 10, 18], 0.5 * near);
  context.strokeStyle = css(mix(lit(rgb("#8a6b4a"), palette.light), dusk, 0.55));
  context.lineWidth = size * 0.055;
  context.lineCap = "round";
  context.beginPath();
  context.moveTo(x, y);
  context.quadraticCurveTo(x + lean * 0.2, y - tall * 0.6, crown.x, crown.y);
  context.stroke();
  const fronds = 9;
  for (let frond = 0; frond < fronds; frond++) {
    const angle = Math.PI * (1.12 - (1.24 * frond) / (fronds - 1)) + between(random, -0.1, 0.1);
    const reach = size * between(random, 0.5, 0.66);
    const tip = {
      x: crown.x + Math.cos(angle) * reach,
      y: crown.y - Math.sin(angle) * reach * 0.55 + reach * 0.32,
    };
    const bend = {
      x: crown.x + Math.cos(angle) * reach * 0.6,
      y: crown.y - Math.abs(Math.sin(angle)) * reach * 0.55 - reach * 0.14,
    };
    context.fillStyle = css(mix(lit(rgb("#4f8a4c"), palette.light), dusk, between(random, 0.35, 0.75)));
    context.beginPath();
    context.moveTo(crown.x, crown.y);
    context.quadraticCurveTo(bend.x, bend.y, tip.x, tip.y);
    context.quadraticCurveTo(bend.x, bend.y + reach * 0.22, crown.x, crown.y);
    context.fill();
  }
}

const summerGreens = ["#4f7d3a", "#5f8c45", "#43702f"] as const;
const autumnLeaves = ["#d9772b", "#c8452c", "#e3a92f", "#a8632c"] as const;

/** Draws a tree with leaves: a round crown, a wide flat one in the savanna. */
export function drawLeafyTree(scene: Picture, { x, y, size, near, random }: Tree): void {
  const { context, palette, features } = scene;
  const flat = features.has("savanna");
  const light = mix(palette.shade, palette.light, 0.6);
  const colour = (hex: string): string => css(mix(lit(rgb(hex), light), palette.haze, 0.4 * (1 - near)));
  const top = y - size * (flat ? 0.72 : 0.6);
  context.strokeStyle = colour("#5a4430");
  context.lineWidth = size * 0.06;
  context.lineCap = "round";
  for (const lean of flat ? [-0.22, 0.2] : [0]) {
    context.beginPath();
    context.moveTo(x, y);
    context.quadraticCurveTo(x, y - size * 0.4, x + lean * size, top);
    context.stroke();
  }
  const leaves = features.has("autumn") ? autumnLeaves : summerGreens;
  for (let clump = 0; clump < 22; clump++) {
    const [across, down] = [between(random, -1, 1), between(random, -1, 1)];
    const centre = top + down * size * (flat ? 0.06 : 0.24 * Math.sqrt(1 - across * across));
    const wide = flat ? 0.5 : 0.24;
    const leaf = colour(pick(random, leaves));
    fillOval(scene, leaf, x + across * size * wide, centre, size * 0.14, size * (flat ? 0.05 : 0.12));
  }
}
