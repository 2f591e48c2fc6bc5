import { css, mix } from "./colour.ts";
import { between } from "./random.ts";
import type { Picture } from "./scene.ts";
import { glow } from "./shapes.ts";

/** Draws a plume of smoke over the crater, glowing lava, and streams of it down the flank. */
export function drawEruption(scene: Picture, skyline: Float32Array): void {
  const { context, unit, horizon, palette } = scene;
  const random = scene.stream("eruption");
  const top = Math.min(...skyline);
  const rim = [...skyline.keys()].filter((x) => (skyline[x] ?? 0) < top + unit * 0.02);
  const crater = { x: ((rim.at(0) ?? 0) + (rim.at(-1) ?? 0)) / 2, y: top + unit * 0.012 };
  const drift = scene.sun.x < crater.x ? 1 : -1;
  for (let puff = 0; puff < 46; puff++) {
    const rise = 1 - puff / 46;
    const x =
      crater.x + drift * rise ** 1.6 * unit * 0.3 + between(random, -0.05, 0.05) * unit * (0.4 + rise);
    const y = crater.y - rise * unit * 0.3 + between(random, -0.03, 0.03) * unit * rise;
    const smoke = mix(mix(palette.shade, [28, 24, 30], 0.5), palette.light, 0.3 * random());
    glow(
      scene,
      x,
      y,
      unit * (0.025 + 0.085 * rise),
      css(mix([255, 120, 50], smoke, Math.min(1, rise * 2.4)), 0.42),
    );
  }
  context.globalCompositeOperation = "screen";
  glow(scene, crater.x, crater.y, unit * 0.3, "rgba(255,96,30,0.75)");
  glow(scene, crater.x, crater.y, unit * 0.08, "rgba(255,214,120,0.9)");
  for (let stream = 0; stream < 5; stream++) {
    const slant = (stream - 2) * 0.45 + between(random, -0.2, 0.2);
    let { x, y } = { x: crater.x + slant * 0.5 * rim.length, y: crater.y };
    const points = [{ x, y }];
    const end = horizon - unit * between(random, 0.08, 0.3);
    while (y < end) {
      y += unit * 0.012;
      x += unit * (0.006 * slant + between(random, -0.005, 0.005));
      points.push({ x, y });
    }
    for (const [thickness, colour] of [
      [0.022, "rgba(255,70,20,0.16)"],
      [0.01, "rgba(255,90,25,0.4)"],
      [0.0028, "rgba(255,210,120,0.9)"],
    ] as const) {
      context.strokeStyle = colour;
      context.lineWidth = unit * thickness;
      context.beginPath();
      for (const point of points)
        context.lineTo(point.x, Math.max(point.y, skyline[Math.round(point.x)] ?? 0));
      context.stroke();
    }
  }
  context.globalCompositeOperation = "source-over";
}
