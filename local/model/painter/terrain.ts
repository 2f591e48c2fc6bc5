import { groundOf, illuminate } from "./daylight.ts";
import { type Grid, visibleColumns } from "./grid.ts";
import { fractal, gradientNoise, ridged, smoothstep } from "./noise.ts";
import { between } from "./random.ts";
import type { Land, Scene } from "./scene.ts";

/** Land seen from a viewer's place. */
export interface Terrain {
  readonly grid: Grid;
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
/** How far open country reaches up over the foot of what stands behind it, as a part of the scene's unit. */
const overlap = 0.05;

/** Raises the scene's land and lights it from the side of the sun. */
export function raiseTerrain(scene: Scene, land: Land): Terrain {
  const open = land === "dunes" || land === "hills";
  const depth = open ? 6 : 2.2;
  const rows = open ? 180 : 300;
  const foot = scene.horizon - (open ? overlap * scene.unit : 0);
  const eye = open ? (scene.height * 1.04 - foot) / (scene.unit * (depth - 1)) : 0;
  const span = scene.width / scene.unit;
  const cell = { across: span / columns, away: (span * (1 - 1 / depth)) / rows };
  const grid = { columns, rows, depth, cell };
  const shape = shapeOf(scene, land, span);
  const heights = new Float32Array(columns * rows);
  for (let row = 0; row < rows; row++) {
    const [from, to] = visibleColumns(grid, row);
    for (let column = from; column < to; column++) {
      const across = (column - columns / 2) * cell.across;
      heights[row * columns + column] = shape(across, row * cell.away, row / (rows - 1));
    }
  }
  const colours = illuminate(scene, groundOf(scene, land), grid, heights);
  return { grid, horizon: foot - eye * scene.unit, eye, heights, colours };
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
    const bend = 0.07 * fractal(noise, across * 5, depth * 5, 3);
    return Math.hypot(across - middle + bend, (far - 0.74) * 1.3 - bend);
  };
  const shapes: Readonly<Record<Land, Shape>> = {
    range,
    peak: (across, away, far) => {
      const foothills = (): number => range(across, away, far) * 0.5;
      if (Math.hypot(across - middle, (far - 0.74) * 1.3) > 0.72) return foothills();
      const distance = cone(across, far, away);
      const pyramid = 0.42 * Math.max(0, 1 - distance / 0.6) ** 1.45;
      const crags = 0.13 * ridged(noise, across * 4.4, away * 4.4, 7) * smoothstep(0, 0.2, distance);
      const summit = pyramid + crags * smoothstep(0, 0.12, pyramid);
      return summit > 0.25 ? summit : Math.max(foothills(), summit);
    },
    volcano: (across, away, far) => {
      const distance = cone(across * 0.96, far, away * 0.4);
      const flank = (0.56 * Math.exp(-distance * 3.4) - 0.03) * smoothstep(0, 0.4, far);
      const gullies = 0.05 * ridged(noise, across * 7, away * 3, 5) * smoothstep(0.06, 0.3, distance);
      const crater = 0.43 - 0.015 * noise(across * 24, away * 24);
      const slope = Math.min(crater, flank - gullies);
      return slope > 0.1 ? slope : Math.max(range(across, away, far) * 0.16, slope);
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
      return 0.1 * crest * crest + 0.03 * noise(across * 1.1, away * 1.4) - 0.03;
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
