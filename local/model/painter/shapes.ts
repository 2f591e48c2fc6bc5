import { css, lit, mix, rgb } from "./colour.ts";
import type { Picture, Scene } from "./scene.ts";

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

/** One part of a figure: its colour, how thick its line is (0: a filled shape), and where it goes. */
export type Part = readonly [colour: string, thickness: number, ...points: Point[]];

/** The corners of an upright box. */
export function box(left: number, bottom: number, right: number, top: number): Point[] {
  return [
    [left, bottom],
    [left, top],
    [right, top],
    [right, bottom],
  ];
}

/** Draws a figure part by part, in the scene's light. */
export function drawParts(scene: Picture, place: Place, parts: readonly Part[]): void {
  const { context } = scene;
  context.lineCap = "round";
  context.lineJoin = "round";
  for (const [colour, thickness, ...points] of parts) {
    if (thickness === 0) {
      fill(scene, shaded(scene, colour), place, ...points);
      continue;
    }
    context.strokeStyle = shaded(scene, colour);
    context.lineWidth = place.size * thickness;
    trace(scene, place, points);
    context.stroke();
  }
}

/** Fills the shape between points. */
export function fill(scene: Picture, colour: string, place: Place, ...points: readonly Point[]): void {
  scene.context.fillStyle = colour;
  trace(scene, place, points);
  scene.context.fill();
}

function trace(
  { context }: Picture,
  { x, y, size, faces = 1, up = 1 }: Place,
  points: readonly Point[],
): void {
  context.beginPath();
  for (const [px, py] of points) context.lineTo(x + px * size * faces, y - py * size * up);
}

/** Fills an ellipse, or a circle where only one radius is given. */
export function fillOval(
  { context }: Picture,
  colour: string,
  x: number,
  y: number,
  across: number,
  down = across,
): void {
  context.fillStyle = colour;
  context.beginPath();
  context.ellipse(x, y, across, down, 0, 0, 2 * Math.PI);
  context.fill();
}

/** A colour of something near the viewer in the scene's light, as CSS. */
export function shaded({ palette }: Scene, colour: string): string {
  return css(lit(rgb(colour), mix(palette.light, palette.shade, 0.35)));
}

/** Lays a round glow over the picture. @param colour an `rgba()` that fades to nothing at the radius */
export function glow({ context }: Picture, x: number, y: number, radius: number, colour: string): void {
  const gradient = context.createRadialGradient(x, y, 0, x, y, radius);
  gradient.addColorStop(0, colour);
  gradient.addColorStop(1, colour.replace(/[\d.]+\)$/, "0)"));
  context.fillStyle = gradient;
  context.fillRect(x - radius, y - radius, radius * 2, radius * 2);
}
