import { lit, mix, type Rgb, rgb } from "./colour.ts";
import { type Grid, visibleColumns } from "./grid.ts";
import { gradientNoise, smoothstep } from "./noise.ts";
import type { Land, Scene } from "./scene.ts";

/** What lies on the land, from its low parts to its steep ones. */
export interface Ground {
  readonly low: Rgb;
  readonly high: Rgb;
  readonly rock: Rgb;
  /** The height where snow begins. */
  readonly snowline: number;
}

const never = Number.POSITIVE_INFINITY;
const winterSnowlines: Readonly<Partial<Record<Land, number>>> = { volcano: 0.16, hills: -1 };

/** What the land is covered with. */
export function groundOf(scene: Scene, land: Land): Ground {
  if (land === "dunes") {
    return { low: rgb("#d8a05c"), high: rgb("#eabb7a"), rock: rgb("#c98a4e"), snowline: never };
  }
  if (scene.features.has("savanna") || scene.features.has("autumn")) {
    return { low: rgb("#a98a3c"), high: rgb("#cfae5a"), rock: rgb("#8d7650"), snowline: never };
  }
  if (scene.features.has("snow")) {
    return {
      low: rgb("#8fa0ab"),
      high: rgb("#a9b4bd"),
      rock: rgb("#5e616b"),
      snowline: winterSnowlines[land] ?? 0.03,
    };
  }
  if (land === "volcano") {
    return { low: rgb("#4c6040"), high: rgb("#6e5b50"), rock: rgb("#56494a"), snowline: never };
  }
  const alpine = land === "range" || land === "peak";
  return {
    low: rgb("#3f5f38"),
    high: rgb(alpine ? "#6f7a52" : "#8a9a4e"),
    rock: rgb("#77706c"),
    snowline: alpine ? 0.2 : never,
  };
}

/** Colours each cell of the land as it looks in the scene's light, from afar. */
export function illuminate(scene: Scene, ground: Ground, grid: Grid, heights: Float32Array): Float32Array {
  const { columns, rows, cell } = grid;
  const { palette } = scene;
  const noise = gradientNoise(scene.stream("soil"));
  const fromLeft = scene.sun.x < scene.width / 2;
  const low = scene.time === "dawn" || scene.time === "sunset";
  const sun = { across: fromLeft ? -0.8 : 0.8, up: low ? 0.42 : 0.62, near: 0.36 };
  const fall = (cell.across * sun.up) / 0.8;
  const shade = mix([0, 0, 0], palette.shade, low ? 0.86 : 0.74);
  const snow = rgb("#f4f7fb");
  const mist = scene.features.has("fog") ? 0.34 : 0;
  const colours = new Float32Array(columns * rows * 3);
  for (let row = 0; row < rows; row++) {
    const far = row / (rows - 1);
    let shadow = -1;
    const [from, to] = visibleColumns(grid, row);
    for (let step = from; step < to; step++) {
      const column = fromLeft ? step : to - 1 - (step - from);
      const at = row * columns + column;
      const height = heights[at] ?? 0;
      shadow = Math.max(height, shadow - fall);
      const slopeX =
        ((heights[column < to - 1 ? at + 1 : at] ?? 0) - (heights[column > from ? at - 1 : at] ?? 0)) /
        (2 * cell.across);
      const slopeZ =
        ((heights[row < rows - 1 ? at + columns : at] ?? 0) - (heights[row > 0 ? at - columns : at] ?? 0)) /
        (2 * cell.away);
      const up = 1 / Math.sqrt(1 + slopeX * slopeX + slopeZ * slopeZ);
      const facing = (-slopeX * sun.across + sun.up + slopeZ * sun.near) * up;
      const bright = (low ? 1 : 0.8) * Math.max(0, facing) * (1 - smoothstep(0.001, 0.02, shadow - height));
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
        shade[0] + palette.light[0] * bright,
        shade[1] + palette.light[1] * bright,
        shade[2] + palette.light[2] * bright,
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
