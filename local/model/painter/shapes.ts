import type { SKRSContext2D } from "@napi-rs/canvas";
import { css, lit, mix, rgb } from "./colour.ts";
import type { Scene } from "./scene.ts";

/** A point of a figure as parts of its size: to the right of its foot, and above it. */
export type Point = readonly [right: number, up: number];

/** Where a figure stands, and how tall it is. */
export interface Place {
  readonly x: number;
  readonly y: number;
  readonly size: number;
  /** -1 for a figure that looks to the left. Default: 1. */
  readonly faces?: number;
  /** -1 for a figure upside down, as in a mirror. Default: 1. */
  readonly up?: number;
}

/** One stroke of a figure: its colour, how thick it is, and where it goes. */
export type Stroke = readonly [colour: string, thickness: number, ...points: Point[]];

/** Fills the shape between points. */
export function fill(
  context: SKRSContext2D,
  colour: string,
  place: Place,
  ...points: readonly Point[]
): void {
  context.fillStyle = colour;
  trace(context, place, points);
  context.fill();
}

/** Draws a figure out of strokes, in the scene's light. */
export function drawStrokes(
  context: SKRSContext2D,
  scene: Scene,
  place: Place,
  strokes: readonly Stroke[],
): void {
  context.lineCap = "round";
  context.lineJoin = "round";
  for (const [colour, thickness, ...points] of strokes) {
    context.strokeStyle = shaded(scene, colour);
    context.lineWidth = place.size * thickness;
    trace(context, place, points);
    context.stroke();
  }
}

function trace(
  context: SKRSContext2D,
  { x, y, size, faces = 1, up = 1 }: Place,
  points: readonly Point[],
): void {
  context.beginPath();
  for (const [px, py] of points) context.lineTo(x + px * size * faces, y - py * size * up);
}

/** A colour of something near the viewer in the scene's light, as CSS. */
export function shaded({ palette }: Scene, colour: string): string {
  return css(lit(rgb(colour), mix(palette.light, palette.shade, 0.35)));
}

/** Lays a round glow over the picture. @param colour an `rgba()` that fades to nothing at the radius */
export function glow(context: SKRSContext2D, x: number, y: number, radius: number, colour: string): void {
  const gradient = context.createRadialGradient(x, y, 0, x, y, radius);
  gradient.addColorStop(0, colour);
  gradient.addColorStop(1, colour.replace(/[\d.]+\)$/, "0)"));
  context.fillStyle = gradient;
  context.fillRect(x - radius, y - radius, radius * 2, radius * 2);
}
