import { createCanvas } from "@napi-rs/canvas";
import { css, mix } from "./colour.ts";
import { fractal, gradientNoise, smoothstep } from "./noise.ts";
import { between } from "./random.ts";
import type { Picture } from "./scene.ts";
import { fillOval, glow } from "./shapes.ts";

/** Draws everything above the land: the gradient, stars, aurora, sun or moon, clouds. */
export function drawSky(scene: Picture): void {
  const { context, width, height, horizon, palette, features, time } = scene;
  const gradient = context.createLinearGradient(0, 0, 0, horizon);
  palette.sky.forEach((colour, i) => {
    gradient.addColorStop([0, 0.38, 0.74, 1][i] ?? 1, css(colour));
  });
  context.fillStyle = gradient;
  context.fillRect(0, 0, width, height);
  if (time === "night") drawStars(scene);
  if (features.has("aurora")) drawAurora(scene);
  const hidden = features.has("rain") || features.has("fog");
  const starlit = features.has("aurora") || features.has("stars");
  if (time === "night" && (features.has("moon") || !starlit)) drawMoon(scene);
  if (time !== "night" && !hidden) drawSun(scene);
  if (!starlit) drawClouds(scene);
  if (features.has("rainbow")) drawRainbow(scene);
}

/** Draws a rainbow opposite the sun, red outside. */
function drawRainbow({ sun, width, horizon, unit, context }: Picture): void {
  const x = width - sun.x;
  context.globalCompositeOperation = "screen";
  for (let band = 0; band < 24; band++) {
    context.strokeStyle = `hsla(${band * 12},90%,55%,0.34)`;
    context.lineWidth = unit * 0.004;
    context.beginPath();
    context.arc(x, horizon, unit * (0.56 - band * 0.003), Math.PI, 2 * Math.PI);
    context.stroke();
  }
  context.globalCompositeOperation = "source-over";
}

function drawSun(scene: Picture): void {
  const { context, sun, unit, palette, time } = scene;
  const low = time !== "day";
  context.globalCompositeOperation = "screen";
  glow(scene, sun.x, sun.y, unit * (low ? 0.75 : 0.55), css(palette.light, 0.55));
  glow(scene, sun.x, sun.y, unit * 0.22, css(palette.sun, 0.6));
  context.globalCompositeOperation = "source-over";
  fillOval(scene, css(palette.sun), sun.x, sun.y, unit * (low ? 0.05 : 0.034));
}

function drawMoon(scene: Picture): void {
  const { context, sun, unit, palette, features } = scene;
  const radius = unit * (features.has("moon") ? 0.062 : 0.036);
  const random = scene.stream("moon");
  context.globalCompositeOperation = "screen";
  glow(scene, sun.x, sun.y, radius * 9, css(palette.light, 0.5));
  context.globalCompositeOperation = "source-over";
  context.save();
  fillOval(scene, css(palette.sun), sun.x, sun.y, radius);
  context.clip();
  for (let spot = 0; spot < 9; spot++) {
    const x = sun.x + between(random, -0.8, 0.8) * radius;
    const y = sun.y + between(random, -0.8, 0.8) * radius;
    glow(scene, x, y, between(random, 0.2, 0.55) * radius, css(palette.haze, 0.35));
  }
  context.restore();
}

function drawStars(scene: Picture): void {
  const { width, unit, horizon, features, palette } = scene;
  const random = scene.stream("stars");
  const starry = features.has("stars");
  if (starry) drawMilkyWay(scene);
  const count = (starry ? 1900 : 650) * ((width * horizon) / 640_000);
  for (let star = 0; star < count; star++) {
    const size = unit * (0.0005 + 0.0016 * random() ** 6);
    const colour = css(mix(palette.sun, palette.light, random()), between(random, 0.25, 0.95));
    fillOval(scene, colour, random() * width, random() ** 1.2 * horizon, size);
  }
}

/** Lays a picture computed at low resolution over the sky, smoothly enlarged. */
function overlay(
  scene: Picture,
  columns: number,
  rows: number,
  shade: (
    x: number,
    y: number,
    put: (red: number, green: number, blue: number, opacity: number) => void,
  ) => void,
): void {
  const { context } = scene;
  const canvas = createCanvas(columns, rows);
  const layer = canvas.getContext("2d");
  const image = layer.createImageData(columns, rows);
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) {
      shade(x / columns, y / rows, (red, green, blue, opacity) => {
        image.data.set([red, green, blue, 255 * opacity], (y * columns + x) * 4);
      });
    }
  }
  layer.putImageData(image, 0, 0);
  context.imageSmoothingQuality = "high";
  context.drawImage(canvas, 0, 0, scene.width, scene.horizon);
}

function drawMilkyWay(scene: Picture): void {
  const { context } = scene;
  const noise = gradientNoise(scene.stream("milky way"));
  const lean = scene.sun.x < scene.width / 2 ? 1 : -1;
  const { light, sun } = scene.palette;
  context.globalCompositeOperation = "screen";
  overlay(scene, 256, 192, (x, y, put) => {
    const across = (x - 0.5) * lean + (y - 0.5) * 0.75 + 0.1 * noise(x * 3, y * 3);
    const band = Math.exp(-across * across * 30);
    const cloud = 0.5 + fractal(noise, x * 7, y * 7, 5);
    const dust = smoothstep(
      0.05,
      0.3,
      Math.abs(across + 0.12 * fractal(noise, x * 5 + 9, y * 5, 4)) + 0.12 * cloud,
    );
    const [red, green, blue] = mix(light, sun, band * 0.7);
    put(red, green, blue, Math.max(0, band * cloud * (0.25 + 0.75 * dust) * 1.15));
  });
  context.globalCompositeOperation = "source-over";
}

function drawAurora(scene: Picture): void {
  const { context } = scene;
  const random = scene.stream("aurora");
  const noise = gradientNoise(random);
  const curtains = [0, 1, 2].map((i) => ({
    base: 0.4 + 0.2 * i + between(random, -0.06, 0.06),
    phase: i * 13.7,
  }));
  context.globalCompositeOperation = "screen";
  overlay(scene, 320, 160, (x, y, put) => {
    let [green, violet] = [0, 0];
    for (const { base, phase } of curtains) {
      const foot = base + 0.26 * noise(x * 2.1 + phase, phase) + 0.05 * noise(x * 7, phase);
      const above = foot - y;
      const rays = 0.55 + 0.45 * noise(x * 26 + phase, y * 0.7) + 0.3 * noise(x * 70, phase);
      const strength = Math.max(0, rays * (0.7 + 0.6 * noise(x * 1.7 + phase, 3)));
      const fade = above > 0 ? Math.exp(-above * 4.2) : Math.exp(above * 42);
      green += strength * fade;
      violet += strength * Math.exp(-((above - 0.3) ** 2) * 14) * 0.28;
    }
    put(
      70 * green + 150 * violet,
      255 * green,
      150 * green + 200 * violet,
      Math.min(0.9, green + violet * 0.6),
    );
  });
  context.globalCompositeOperation = "source-over";
}

function drawClouds(scene: Picture): void {
  const { palette, features, width, horizon, sun } = scene;
  const random = scene.stream("clouds");
  const noise = gradientNoise(random);
  const heavy = features.has("clouds") || features.has("rain");
  const threshold = heavy ? -0.12 : between(random, 0.06, 0.2);
  const stretch = width / horizon;
  const bright = mix(palette.light, heavy ? palette.shade : palette.sun, 0.45);
  const towards = { x: sun.x / width, y: sun.y / horizon };
  overlay(scene, 288, 160, (x, y, put) => {
    const depth = 1.25 - y;
    const u = ((x - 0.5) * stretch * 1.6) / depth + 5;
    const v = 1.7 / depth;
    const density = fractal(noise, u, v * 2.2, 5);
    const cover = smoothstep(threshold, threshold + 0.34, density);
    if (cover === 0) return;
    const sunward = fractal(noise, u + (towards.x - x) * 0.3, v * 2.2 + (towards.y - y) * 0.3, 3);
    const glowing = Math.min(1, Math.max(0, 0.5 + (density - sunward) * 1.4 + (heavy ? -0.15 : 0.12)));
    const [red, green, blue] = mix(mix(palette.shade, palette.haze, 0.55), bright, glowing);
    put(red, green, blue, cover * smoothstep(1, 0.8, y) * (heavy ? 0.92 : 0.75));
  });
}
