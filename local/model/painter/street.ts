import { css, lit, mix, rgb } from "./colour.ts";
import type { GroundAt } from "./ground.ts";
import { between, pick } from "./random.ts";
import { hasLights, type Picture } from "./scene.ts";
import { box, drawParts, fill, glow, type Point } from "./shapes.ts";

const fronts = ["#d9c7a4", "#c9a58a", "#b8b0a2", "#cfae94", "#a9b2ae", "#d6b8a0"] as const;
const awnings = ["#a5352f", "#2f6b4a", "#2f4f7f"] as const;
const storeys = 4;
const picture = { x: 0, y: 0, size: 1, up: -1 } as const;

/** Draws a street between two rows of houses that lead away from the viewer, with cafés where they are asked for. */
export function drawStreet(scene: Picture): GroundAt {
  const { width, height, horizon, palette, features } = scene;
  const random = scene.stream("street");
  const project = (side: number, depth: number, up: number): Point => [
    width / 2 + (side * width * 0.62) / depth,
    horizon + (height * (0.3 - up)) / depth,
  ];
  const quad = (colour: string, side: number, from: number, to: number, low: number, high: number): void =>
    fill(
      scene,
      colour,
      picture,
      project(side, from, low),
      project(side, from, high),
      project(side, to, high),
      project(side, to, low),
    );
  const paving = lit(rgb("#8f8a86"), mix(palette.shade, palette.light, 0.5));
  fill(
    scene,
    css(paving),
    picture,
    project(-1.2, 0.4, 0),
    project(1.2, 0.4, 0),
    project(0.9, 9, 0),
    project(-0.9, 9, 0),
  );
  for (const side of [-1, 1]) {
    const sunlit = scene.sun.x < width / 2 === side > 0 ? 0.8 : 0.35;
    for (let house = 7; house >= 0; house--) {
      const [near, far] = [0.7 * 1.36 ** house, 0.7 * 1.36 ** (house + 1)];
      const tall = between(random, 0.75, 1);
      const veil = 0.07 * house;
      const colour = (hex: string): string =>
        css(mix(lit(rgb(hex), mix(palette.shade, palette.light, sunlit)), palette.haze, veil));
      quad(colour(pick(random, fronts)), side, near, far, 0, tall);
      quad(colour("#5b5660"), side, near, far, tall, tall + 0.05);
      for (let storey = 0; storey < storeys; storey++) {
        for (let column = 0; column < 4; column++) {
          const at = near + ((far - near) * (column + 0.3)) / 4;
          const low = 0.02 + (storey * tall) / storeys + (storey === 0 ? 0 : 0.04);
          const lamp = hasLights(scene) && random() < 0.6 ? "#ffd98a" : undefined;
          const pane = lamp ?? colour(storey === 0 ? "#4b4038" : "#57636e");
          quad(pane, side, at, at + (far - near) * 0.12, low, low + (tall / storeys) * 0.6);
        }
      }
      if (features.has("cafe")) {
        const [top, out] = [tall / storeys + 0.03, 0.84];
        fill(
          scene,
          colour(awnings[house % 3] ?? awnings[0]),
          picture,
          project(side, near * 1.03, top),
          project(side * out, near * 1.03, top - 0.06),
          project(side * out, far * 0.97, top - 0.06),
          project(side, far * 0.97, top),
        );
      }
    }
    if (features.has("cafe"))
      for (const depth of [2, 1.5, 1.15])
        drawTable(scene, project(side * 0.66, depth, 0), (height * 0.1) / depth);
  }
  return () => height * 0.88;
}

function drawTable(scene: Picture, [x, y]: Point, size: number): void {
  const place = { x, y, size };
  const wood = "#8a5a34";
  if (scene.time === "night") glow(scene, x, y - size, size * 2, "rgba(255,205,120,0.5)");
  drawParts(scene, place, [
    ["#3b3f46", 0, ...box(-0.05, 0, 0.05, 0.8)],
    ["#e9e2d4", 0, [-0.55, 0.78], [0.55, 0.78], [0.5, 0.9], [-0.5, 0.9]],
  ]);
  for (const faces of [-1, 1]) {
    drawParts(scene, { ...place, faces }, [
      [wood, 0, ...box(0.6, 0.42, 1.1, 0.5)],
      [wood, 0, ...box(0.64, 0, 0.7, 0.45)],
      [wood, 0, ...box(1.04, 0, 1.1, 0.45)],
      [wood, 0, [1.04, 0.45], [1.08, 1.05], [1.15, 1.05], [1.1, 0.45]],
    ]);
  }
}
