import type { Rgb } from "./colour.ts";
import { lit, mix, rgb } from "./colour.ts";
import { fractal, gradientNoise, ridged, smoothstep } from "./noise.ts";
import { between } from "./random.ts";
import type { Land, Scene } from "./scene.ts";

/** A relief seen from above: rows run from the viewer to the far end, columns from left to right. */
export interface Terrain {
  readonly columns: number;
  readonly rows: number;
  /** How many times farther away the last row is than the first. */
  readonly depth: number;
  /** The height in the picture of what is infinitely far away. */
  readonly horizon: number;
  /** The viewer's height; all heights are parts of the scene's unit. */
  readonly eye: number;
  readonly heights: Float32Array;
  /** Colours in light and haze: red, green, blue for each cell. */
  readonly colours: Float32Array;
}

/** The height of a place: `across` from the middle and `away` from the viewer, `far` being 1 at the far end. */
type Shape = (across: number, away: number, far: number) => number;

const columns = 768;
const rows = 300;
/** How far nearer land reaches up over the foot of the land behind it, as a part of the scene's unit. */
const overlap = 0.05;

/** Raises the scene's land and lights it from the side of the sun. */
export function raiseTerrain(scene: Scene, land: Land): Terrain {
  const open = land === "dunes" || land === "hills";
  const depth = open ? 6 : 2.2;
  const foot = scene.horizon - (land === scene.land ? 0 : overlap * scene.unit);
  const eye = open ? (scene.height * 1.04 - foot) / (scene.unit * (depth - 1)) : 0;
  const span = scene.width / scene.unit;
  const cell = { across: span / columns, away: (span * (1 - 1 / depth)) / rows };
  const shape = shapeOf(scene, land, span);
  const heights = new Float32Array(columns * rows);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      heights[row * columns + column] = shape(
        (column - columns / 2) * cell.across,
        row * cell.away,
        row / (rows - 1),
      );
    }
  }
  return {
    columns,
    rows,
    depth,
    horizon: foot - eye * scene.unit,
    eye,
    heights,
    colours: illuminate(scene, groundOf(scene, land), heights, cell),
  };
}

function shapeOf(scene: Scene, land: Land, span: number): Shape {
  const random = scene.stream(`terrain ${land}`);
  const noise = gradientNoise(random);
  const middle = between(random, -0.14, 0.14) * span;
  const range = (across: number, away: number, far: number): number =>
    smoothstep(0, 0.8, far) *
      (0.55 + 0.6 * fractal(noise, across * 1.3 + 40, away * 1.3, 2)) *
      ridged(noise, across * 2.4, away * 2.4, 7) *
      0.62 +
    0.012 * (1 + noise(across * 9, away * 9));
  const cone = (across: number, far: number, depth: number): number => {
    const bend = 0.07 * fractal(noise, across * 5, depth * 5, 4);
    return Math.hypot(across - middle + bend, (far - 0.74) * 1.3 - bend);
  };
  const shapes: Readonly<Record<Land, Shape>> = {
    range,
    peak: (across, away, far) => {
      const distance = cone(across, far, away);
      const pyramid = 0.46 * Math.max(0, 1 - distance / 0.6) ** 1.45;
      const crags = 0.13 * ridged(noise, across * 4.4, away * 4.4, 7) * smoothstep(0.02, 0.26, distance);
      return Math.max(range(across, away, far) * 0.5, pyramid + crags * smoothstep(0, 0.12, pyramid));
    },
    volcano: (across, away, far) => {
      const distance = cone(across * 0.96, far, away * 0.4);
      const flank = (0.56 * Math.exp(-distance * 3.4) - 0.03) * smoothstep(0, 0.4, far);
      const gullies = 0.05 * ridged(noise, across * 7, away * 3, 5) * smoothstep(0.06, 0.3, distance);
      const crater = 0.43 - 0.015 * noise(across * 24, away * 24);
      return Math.max(range(across, away, far) * 0.16, Math.min(crater, flank - gullies));
    },
    fjord: (across, away, far) => {
      const winding = middle + 0.12 * Math.sin(far * 5 + middle * 40);
      const wall =
        smoothstep(0.03, 0.36, Math.abs(across - winding) - 0.1 * (1 - far)) * smoothstep(0, 0.22, far);
      const end = smoothstep(0.86, 1, far) * 0.5;
      return Math.max(wall, end) * (0.25 + 0.75 * ridged(noise, across * 2.6, away * 2.6, 7)) * 0.72 - 0.01;
    },
    hills: (across, away) =>
      0.075 * fractal(noise, across * 3.2, away * 4, 3) + 0.0015 * noise(across * 60, away * 60),
    dunes: (across, away) => {
      const warp = 0.25 * noise(across * 2, away * 2);
      const crest = 1 - Math.hypot(noise(across * 1.7 + warp, away * 3.4 + warp * 2), 0.07);
      return 0.1 * crest * crest + 0.03 * noise(across * 1.1, away * 1.4) - 0.06;
    },
    island: (across, away, far) => {
      const distance = Math.hypot((across - middle * 1.6) * 1.5, (far - 0.66) * 0.8);
      const second = Math.hypot((across + middle * 2.4 + 0.28) * 3.2, (far - 0.85) * 0.9);
      const mass = Math.max(smoothstep(0.42, 0.02, distance), 0.4 * smoothstep(0.36, 0.05, second));
      return mass * smoothstep(0, 0.3, far) * (0.08 + 0.3 * ridged(noise, across * 4, away * 4, 6)) - 0.02;
    },
    coast: (across, away, far) =>
      smoothstep(0.5, 0.9, far) * (0.1 * fractal(noise, across * 2.2, away * 2 + 9, 5) + 0.02),
  };
  const shape = shapes[land];
  if (land !== "dunes" || !scene.features.has("pyramid")) return shape;
  return (across, away, far) => Math.max(shape(across, away, far), pyramids(across - middle, away, span));
}

function pyramids(across: number, away: number, span: number): number {
  let height = -1;
  for (const [x, z, size] of [
    [0, 0.62, 0.2],
    [0.33, 0.72, 0.15],
    [-0.27, 0.55, 0.09],
  ] as const) {
    const dx = across - x;
    const dz = away - z * span;
    height = Math.max(
      height,
      size - Math.max(Math.abs(dx * 0.8 + dz * 0.6), Math.abs(dz * 0.8 - dx * 0.6)) * 1.15,
    );
  }
  return height;
}

interface Ground {
  readonly low: Rgb;
  readonly high: Rgb;
  readonly rock: Rgb;
  /** The height where snow begins. */
  readonly snowline: number;
}

function groundOf(scene: Scene, land: Land): Ground {
  if (land === "dunes") {
    return { low: rgb("#d8a05c"), high: rgb("#eabb7a"), rock: rgb("#c98a4e"), snowline: 9 };
  }
  if (scene.features.has("snow")) {
    const snowline = land === "volcano" ? 0.16 : land === "hills" ? -1 : 0.03;
    return { low: rgb("#8fa0ab"), high: rgb("#a9b4bd"), rock: rgb("#5e616b"), snowline };
  }
  if (land === "volcano") {
    return { low: rgb("#4c6040"), high: rgb("#6e5b50"), rock: rgb("#56494a"), snowline: 9 };
  }
  const alpine = land === "range" || land === "peak";
  return {
    low: rgb("#3f5f38"),
    high: rgb(alpine ? "#6f7a52" : "#8a9a4e"),
    rock: rgb("#77706c"),
    snowline: alpine ? 0.2 : 9,
  };
}

function illuminate(
  scene: Scene,
  ground: Ground,
  heights: Float32Array,
  cell: { readonly across: number; readonly away: number },
): Float32Array {
  const { palette } = scene;
  const noise = gradientNoise(scene.stream("soil"));
  const fromLeft = scene.sun.x < scene.width / 2;
  const low = scene.time === "dawn" || scene.time === "sunset";
  const sun = { across: fromLeft ? -0.8 : 0.8, up: low ? 0.42 : 0.62, near: 0.36 };
  const fall = (cell.across * sun.up) / 0.8;
  const snow = rgb("#f4f7fb");
  const mist = scene.features.has("fog") ? 0.34 : 0;
  const colours = new Float32Array(columns * rows * 3);
  for (let row = 0; row < rows; row++) {
    const far = row / (rows - 1);
    let shadow = -1;
    for (let step = 0; step < columns; step++) {
      const column = fromLeft ? step : columns - 1 - step;
      const at = row * columns + column;
      const height = heights[at] ?? 0;
      shadow = Math.max(height, shadow - fall);
      const slopeX =
        ((heights[at + (column < columns - 1 ? 1 : 0)] ?? 0) - (heights[at - (column > 0 ? 1 : 0)] ?? 0)) /
        (2 * cell.across);
      const slopeZ =
        ((heights[at + (row < rows - 1 ? columns : 0)] ?? 0) - (heights[at - (row > 0 ? columns : 0)] ?? 0)) /
        (2 * cell.away);
      const up = 1 / Math.sqrt(1 + slopeX * slopeX + slopeZ * slopeZ);
      const facing = (-slopeX * sun.across + sun.up + slopeZ * sun.near) * up;
      const bright = Math.max(0, facing) * (1 - smoothstep(0.001, 0.02, shadow - height));
      const grain = noise(column * 0.11, row * 0.11);
      const steep = smoothstep(0.82, 0.6, up + grain * 0.05);
      const soil = mix(
        mix(ground.low, ground.high, smoothstep(0, 0.16, height + grain * 0.03)),
        ground.rock,
        steep,
      );
      const cover =
        smoothstep(-0.02, 0.05, height - ground.snowline + grain * 0.05) *
        smoothstep(0.3, 0.48, up + grain * 0.06);
      const surface = mix(soil, snow, cover);
      const light: Rgb = [
        palette.shade[0] * 0.85 + palette.light[0] * bright,
        palette.shade[1] * 0.85 + palette.light[1] * bright,
        palette.shade[2] * 0.85 + palette.light[2] * bright,
      ];
      const veil = Math.min(
        0.92,
        Math.max(0, 0.08 + mist + far * far * 0.5 - height * 0.55 + smoothstep(0.06, 0, height) * 0.16 * far),
      );
      colours.set(mix(lit(surface, light), palette.haze, veil), at * 3);
    }
  }
  return colours;
}
