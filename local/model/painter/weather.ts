import type { SKRSContext2D } from "@napi-rs/canvas";
import { css, mix } from "./colour.ts";
import { between } from "./random.ts";
import type { Scene } from "./scene.ts";

/** Draws what is in the air between the viewer and the land: fog, rain, falling snow. */
export function drawWeather(context: SKRSContext2D, scene: Scene): void {
  const { features } = scene;
  if (features.has("fog")) drawFog(context, scene);
  if (features.has("rain")) drawRain(context, scene);
  if (features.has("snow") && features.has("clouds")) drawSnowfall(context, scene);
}

function drawFog(context: SKRSContext2D, scene: Scene): void {
  const { width, height, horizon, palette } = scene;
  const random = scene.stream("fog");
  const colour = mix(palette.haze, palette.light, 0.25);
  for (let bank = 0; bank < 14; bank++) {
    const x = random() * width;
    const y = horizon + between(random, -0.3, 0.16) * height;
    const reach = width * between(random, 0.25, 0.5);
    context.save();
    context.translate(x, y);
    context.scale(1, 0.16);
    const gradient = context.createRadialGradient(0, 0, 0, 0, 0, reach);
    gradient.addColorStop(0, css(colour, 0.5));
    gradient.addColorStop(1, css(colour, 0));
    context.fillStyle = gradient;
    context.fillRect(-reach, -reach, reach * 2, reach * 2);
    context.restore();
  }
}

function drawRain(context: SKRSContext2D, scene: Scene): void {
  const { width, height, unit, palette } = scene;
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

function drawSnowfall(context: SKRSContext2D, scene: Scene): void {
  const { width, height, unit } = scene;
  const random = scene.stream("snowfall");
  for (let flake = 0; flake < 700; flake++) {
    const near = random() ** 3;
    context.fillStyle = `rgba(250,252,255,${0.35 + 0.5 * random()})`;
    context.beginPath();
    context.arc(random() * width, random() * height, unit * (0.001 + 0.0045 * near), 0, 2 * Math.PI);
    context.fill();
  }
}
