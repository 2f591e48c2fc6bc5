import { createCanvas } from "@napi-rs/canvas";
import { css, mix } from "./colour.ts";
import { between } from "./random.ts";
import type { Picture } from "./scene.ts";
import { fillOval, glow } from "./shapes.ts";

/** Draws what is in the air between the viewer and the land: fog, rain, falling snow. */
export function drawWeather(scene: Picture): void {
  const { features } = scene;
  if (features.has("fog")) drawFog(scene);
  if (features.has("rain")) drawRain(scene);
  if (features.has("snow") && features.has("clouds")) drawSnowfall(scene);
}

function drawFog(scene: Picture): void {
  const { context, width, height, horizon, palette } = scene;
  const random = scene.stream("fog");
  const colour = mix(palette.haze, palette.light, 0.25);
  for (let bank = 0; bank < 14; bank++) {
    const x = random() * width;
    const y = horizon + between(random, -0.3, 0.16) * height;
    const reach = width * between(random, 0.25, 0.5);
    context.save();
    context.translate(x, y);
    context.scale(1, 0.16);
    glow(scene, 0, 0, reach, css(colour, 0.5));
    context.restore();
  }
}

function drawRain(scene: Picture): void {
  const { context, width, height, unit, palette } = scene;
  const random = scene.stream("rain");
  const slant = between(random, -0.25, 0.25);
  context.lineCap = "round";
  for (let drop = 0; drop < 900; drop++) {
    const near = random();
    const length = unit * (0.012 + 0.04 * near);
    const x = random() * width * 1.2 - width * 0.1;
    const y = random() * height;
    context.strokeStyle = css(mix(palette.light, palette.sky[3], 0.5), 0.14 + 0.3 * near);
    context.lineWidth = 0.6 + near;
    context.beginPath();
    context.moveTo(x, y);
    context.lineTo(x + length * slant, y + length);
    context.stroke();
  }
}

function drawSnowfall(scene: Picture): void {
  const { width, height, unit } = scene;
  const random = scene.stream("snowfall");
  for (let flake = 0; flake < 700; flake++) {
    const near = random() ** 3;
    const colour = `rgba(250,252,255,${0.35 + 0.5 * random()})`;
    fillOval(scene, colour, random() * width, random() * height, unit * (0.001 + 0.0045 * near));
  }
}

/** Darkens the corners and lays a fine grain over the picture. */
export function drawFinish(scene: Picture): void {
  const { context, width, height } = scene;
  const reach = Math.hypot(width, height) / 2;
  const [x, y] = [width / 2, height / 2];
  const vignette = context.createRadialGradient(x, y, reach * 0.55, x, y, reach);
  vignette.addColorStop(0, "rgba(8,6,20,0)");
  vignette.addColorStop(1, "rgba(8,6,20,0.34)");
  context.fillStyle = vignette;
  context.fillRect(0, 0, width, height);

  const random = scene.stream("grain");
  const canvas = createCanvas(256, 256);
  const layer = canvas.getContext("2d");
  const image = layer.createImageData(256, 256);
  for (let pixel = 0; pixel < image.data.length; pixel += 4) {
    const grey = 255 * random();
    image.data.set([grey, grey, grey, 9], pixel);
  }
  layer.putImageData(image, 0, 0);
  context.fillStyle = context.createPattern(canvas, "repeat");
  context.fillRect(0, 0, width, height);
}
