import type { SKRSContext2D } from "@napi-rs/canvas";
import { css, mix } from "./colour.ts";
import type { GroundAt } from "./ground.ts";
import type { Scene } from "./scene.ts";
import { drawStrokes, fill, glow, shaded } from "./shapes.ts";

/** Draws the bridge, the castle and the lighthouse at the horizon, on the side away from the sun. */
export function drawLandmarks(context: SKRSContext2D, scene: Scene): void {
  const { features, width, horizon, unit } = scene;
  const away = scene.sun.x < width / 2 ? 1 : -1;
  const x = width * (0.5 + away * 0.27);
  if (features.has("castle")) drawCastle(context, scene, x, horizon + unit * 0.01, unit * 0.3);
  if (features.has("bridge")) drawBridge(context, scene);
  if (features.has("lighthouse")) drawLighthouse(context, scene, x, horizon + unit * 0.03, unit * 0.34);
}

function drawCastle(context: SKRSContext2D, scene: Scene, x: number, y: number, size: number): void {
  const place = { x, y, size };
  const [stone, roof] = [shaded(scene, "#b3aa9c"), shaded(scene, "#5c4a52")];
  fill(context, shaded(scene, "#5f7048"), place, [-1.2, -0.02], [-0.5, 0.16], [0.5, 0.16], [1.2, -0.02]);
  for (const [left, wide, top] of [
    [-0.4, 0.8, 0.42],
    [-0.5, 0.16, 0.66],
    [0.34, 0.16, 0.72],
    [-0.12, 0.22, 0.86],
  ] as const) {
    fill(context, stone, place, [left, 0.1], [left, top], [left + wide, top], [left + wide, 0.1]);
    if (wide > 0.3) continue;
    fill(context, roof, place, [left - 0.03, top], [left + wide / 2, top + 0.28], [left + wide + 0.03, top]);
    const pane = scene.time === "night" ? "#ffd98a" : roof;
    fill(
      context,
      pane,
      place,
      [left + wide * 0.4, top - 0.16],
      [left + wide * 0.4, top - 0.07],
      [left + wide * 0.6, top - 0.07],
      [left + wide * 0.6, top - 0.16],
    );
  }
  fill(context, roof, place, [-0.06, 0.12], [-0.06, 0.28], [0.06, 0.28], [0.06, 0.12]);
}

function drawBridge(context: SKRSContext2D, scene: Scene): void {
  const { width, horizon, unit, palette } = scene;
  const deck = unit * 0.05;
  context.strokeStyle = css(mix([176, 72, 52], palette.haze, 0.3));
  const pylons = [0.26, 0.74].map((part) => part * width);
  const line = (thickness: number, draw: () => void): void => {
    context.lineWidth = unit * thickness;
    context.beginPath();
    draw();
    context.stroke();
  };
  line(0.012, () => {
    context.moveTo(0, horizon - deck);
    context.lineTo(width, horizon - deck);
  });
  const top = horizon - deck - unit * 0.24;
  for (const x of pylons) {
    line(0.014, () => {
      context.moveTo(x, horizon + deck);
      context.lineTo(x, top);
    });
  }
  const [left = 0, right = width] = pylons;
  const sag = horizon - deck * 1.5 + unit * 0.2;
  line(0.005, () => {
    context.moveTo(0, horizon - deck);
    context.quadraticCurveTo(left * 0.6, horizon - deck * 2, left, top);
    context.quadraticCurveTo((left + right) / 2, sag, right, top);
    context.quadraticCurveTo(right + (width - right) * 0.4, horizon - deck * 2, width, horizon - deck);
  });
  for (let x = left; x < right; x += unit * 0.025) {
    const part = (x - left) / (right - left);
    const cable = (1 - part) ** 2 * top + 2 * part * (1 - part) * sag + part ** 2 * top;
    line(0.0016, () => {
      context.moveTo(x, cable);
      context.lineTo(x, horizon - deck);
    });
  }
}

function drawLighthouse(context: SKRSContext2D, scene: Scene, x: number, y: number, size: number): void {
  const place = { x, y, size };
  fill(context, shaded(scene, "#6f6a66"), place, [-0.7, -0.06], [-0.3, 0.08], [0.3, 0.1], [0.8, -0.06]);
  const half = (up: number): number => 0.12 - 0.05 * up;
  for (let stripe = 0; stripe < 5; stripe++) {
    const [low, high] = [0.06 + stripe * 0.15, 0.06 + (stripe + 1) * 0.15];
    const colour = shaded(scene, stripe % 2 === 0 ? "#f4f1ea" : "#c23a30");
    fill(
      context,
      colour,
      place,
      [-half(low), low],
      [-half(high), high],
      [half(high), high],
      [half(low), low],
    );
  }
  fill(context, "#ffe9a8", place, [-0.06, 0.81], [-0.06, 0.9], [0.06, 0.9], [0.06, 0.81]);
  fill(context, shaded(scene, "#8a2f28"), place, [-0.09, 0.9], [0, 1], [0.09, 0.9]);
  if (scene.time !== "day") glow(context, x, y - size * 0.86, size * 0.8, "rgba(255,236,170,0.6)");
}

/** Draws a car where it can stand. */
export function drawCar(
  context: SKRSContext2D,
  scene: Scene,
  ground: GroundAt,
  x: number,
  size: number,
): void {
  const place = { x, y: ground(x), size };
  fill(
    context,
    shaded(scene, "#c8402f"),
    place,
    [-1, 0.12],
    [-0.98, 0.36],
    [-0.6, 0.4],
    [0.62, 0.42],
    [0.95, 0.36],
    [1, 0.12],
  );
  fill(context, shaded(scene, "#c8402f"), place, [-0.62, 0.38], [-0.36, 0.68], [0.3, 0.68], [0.6, 0.4]);
  fill(context, shaded(scene, "#9fb4c4"), place, [-0.5, 0.4], [-0.3, 0.62], [-0.03, 0.62], [-0.03, 0.4]);
  fill(context, shaded(scene, "#9fb4c4"), place, [0.03, 0.4], [0.03, 0.62], [0.26, 0.62], [0.48, 0.4]);
  drawStrokes(context, scene, place, [
    ["#26262c", 0.3, [-0.55, 0.14], [-0.54, 0.14]],
    ["#26262c", 0.3, [0.57, 0.14], [0.58, 0.14]],
  ]);
}
