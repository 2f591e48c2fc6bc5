import { createCanvas } from "@napi-rs/canvas";
import { css, mix, type Rgb } from "./colour.ts";
import { between } from "./random.ts";
import type { Picture } from "./scene.ts";
import { fillOval } from "./shapes.ts";

const strip = 2;

/** Covers everything below the horizon with water that mirrors what is drawn above it. */
export function drawWater(scene: Picture): void {
  const { context, width, height, palette, features, time } = scene;
  const shore = Math.floor(scene.horizon);
  const open = features.has("sea");
  const random = scene.stream("water");
  const mirror = createCanvas(width, shore);
  mirror.getContext("2d").drawImage(context.canvas, 0, 0);

  const phase = random() * 10;
  for (let y = shore; y < height; y += strip) {
    const near = (y - shore) / (height - shore);
    const wave =
      Math.sin((y - shore) / (2 + near * 14) + phase) + 0.6 * Math.sin((y - shore) / (1.3 + near * 6));
    const reach = (open ? 9 : 4.5) * near + 0.6;
    const source = shore - strip - Math.min(shore - strip, (y - shore) * 1.15 + wave * near * 5);
    const shift = Math.max(-20, Math.min(20, wave * reach));
    context.drawImage(mirror, 0, Math.max(0, source), width, strip, -24 + shift, y, width + 48, strip);
  }

  const night = time === "night";
  const deep: Rgb = mix(palette.sky[0], night ? [4, 12, 30] : [8, 66, 92], night ? 0.5 : 0.55);
  const depth = context.createLinearGradient(0, shore, 0, height);
  depth.addColorStop(0, css(palette.sky[3], 0.1));
  depth.addColorStop(0.12, css(deep, open ? 0.34 : 0.16));
  depth.addColorStop(1, css(deep, open ? 0.86 : 0.68));
  context.fillStyle = depth;
  context.fillRect(0, shore, width, height - shore);
  drawRipples(scene, shore, open ? 900 : 420);
  if (!features.has("rain") && !features.has("fog") && !features.has("aurora")) drawGlitter(scene, shore);
}

function drawRipples(scene: Picture, shore: number, count: number): void {
  const { width, height, palette } = scene;
  const random = scene.stream("ripples");
  for (let ripple = 0; ripple < count; ripple++) {
    const near = random() ** 1.6;
    const y = shore + near * (height - shore);
    const colour = ripple % 2 === 0 ? mix(palette.sky[3], palette.light, 0.5) : palette.sky[0];
    const [x, length] = [random() * width, between(random, 0.02, 0.09) * width * (0.15 + near)];
    fillOval(scene, css(colour, between(random, 0.05, 0.2)), x, y, length, 0.5 + near * 2.2);
  }
}

function drawGlitter(scene: Picture, shore: number): void {
  const { context, width, height, sun, palette, time } = scene;
  const random = scene.stream("glitter");
  context.globalCompositeOperation = "screen";
  for (let spark = 0; spark < 380; spark++) {
    const near = random() ** 1.3;
    const spread = (random() + random() + random() - 1.5) * (0.05 + near * 0.16) * width;
    const y = shore + near * (height - shore);
    const colour = css(palette.sun, between(random, 0.12, time === "day" ? 0.35 : 0.6) * (1 - near * 0.6));
    fillOval(scene, colour, sun.x + spread, y, (0.004 + near * 0.022) * width, 0.6 + near * 2);
  }
  context.globalCompositeOperation = "source-over";
}
