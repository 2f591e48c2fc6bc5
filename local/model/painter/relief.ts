import { createCanvas } from "@napi-rs/canvas";
import { distanceOf } from "./grid.ts";
import type { Land, Picture } from "./scene.ts";
import { raiseTerrain } from "./terrain.ts";

/** Where drawn land lies in the picture. */
export interface Relief {
  /** The land's upper edge for each column of the picture. */
  readonly skyline: Float32Array;
  /** Lines across the land from far to near. */
  readonly contours: readonly Contour[];
}

/** A line across the land at one distance. */
export interface Contour {
  /** How large things look there: 1 at the nearest line. */
  readonly scale: number;
  /** The line's height in the picture for each column; NaN where nearer land hides it. */
  readonly levels: Float32Array;
}

const contourSpacing = 6;

/** Draws land in perspective, each column of the picture from the nearest row of the terrain to the farthest. */
export function drawRelief(scene: Picture, land: Land): Relief {
  const { context, width, height, unit } = scene;
  const { grid, horizon, eye, heights, colours } = raiseTerrain(scene, land);
  const { columns, rows, depth } = grid;
  const canvas = createCanvas(width, height);
  const layer = canvas.getContext("2d");
  const image = layer.createImageData(width, height);
  const pixels = image.data;
  const skyline = new Float32Array(width);
  const contours: Contour[] = [];
  for (let row = 0; row < rows; row += contourSpacing) {
    contours.push({ scale: 1 / distanceOf(grid, row), levels: new Float32Array(width).fill(Number.NaN) });
  }

  for (let x = 0; x < width; x++) {
    let edge = eye > 0 ? height : Math.floor(horizon);
    let lastY = height;
    let [lastRed, lastGreen, lastBlue] = [0, 0, 0];
    for (let row = 0; row < rows; row++) {
      const distance = distanceOf(grid, row);
      const column = ((x / width - 0.5) * (distance / depth) + 0.5) * (columns - 1.001);
      const left = Math.floor(column);
      const share = column - left;
      const at = row * columns + left;
      const rise = (heights[at] ?? 0) * (1 - share) + (heights[at + 1] ?? 0) * share;
      const y = Math.max(0, horizon + ((eye - rise) * unit * depth) / distance);
      const red = (colours[at * 3] ?? 0) * (1 - share) + (colours[at * 3 + 3] ?? 0) * share;
      const green = (colours[at * 3 + 1] ?? 0) * (1 - share) + (colours[at * 3 + 4] ?? 0) * share;
      const blue = (colours[at * 3 + 2] ?? 0) * (1 - share) + (colours[at * 3 + 5] ?? 0) * share;
      if (row === 0) [lastRed, lastGreen, lastBlue] = [red, green, blue];
      if (y < edge) {
        const run = Math.max(1, lastY - y);
        for (let line = Math.ceil(edge) - 1; line >= Math.floor(y); line--) {
          const coverage = Math.min(edge, line + 1) - Math.max(y, line);
          const blend = Math.min(1, Math.max(0, (line + 0.5 - y) / run));
          const pixel = (line * width + x) * 4;
          pixels[pixel] = (pixels[pixel] ?? 0) + (red + (lastRed - red) * blend) * coverage;
          pixels[pixel + 1] = (pixels[pixel + 1] ?? 0) + (green + (lastGreen - green) * blend) * coverage;
          pixels[pixel + 2] = (pixels[pixel + 2] ?? 0) + (blue + (lastBlue - blue) * blend) * coverage;
          pixels[pixel + 3] = (pixels[pixel + 3] ?? 0) + 255 * coverage;
        }
        edge = y;
        const contour = row % contourSpacing === 0 ? contours[row / contourSpacing] : undefined;
        if (contour) contour.levels[x] = y;
      }
      lastY = y;
      lastRed = red;
      lastGreen = green;
      lastBlue = blue;
    }
    skyline[x] = edge;
    unpremultiply(pixels, (Math.floor(edge) * width + x) * 4);
  }
  layer.putImageData(image, 0, 0);
  context.drawImage(canvas, 0, 0);
  return { skyline, contours: contours.reverse() };
}

/** Brings a half-covered pixel, whose colour was added up by coverage, back to its full colour. */
function unpremultiply(pixels: Uint8ClampedArray, pixel: number): void {
  const coverage = (pixels[pixel + 3] ?? 0) / 255;
  if (coverage === 0) return;
  for (let channel = pixel; channel < pixel + 3; channel++) {
    pixels[channel] = (pixels[channel] ?? 0) / coverage;
  }
}
