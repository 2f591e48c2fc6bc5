import type { GroundAt } from "./ground.ts";
import { between } from "./random.ts";
import type { Picture } from "./scene.ts";
import { drawParts, type Part, type Point } from "./shapes.ts";

/** An animal that looks to the right, and how tall it is beside a person. */
interface Animal {
  readonly tall: number;
  readonly parts: readonly Part[];
}

function legs(colour: string, thickness: number, top: number, ...at: readonly number[]): Part[] {
  return at.map((x) => [colour, thickness, [x, top], [x * 1.06, 0.02]] as const);
}

function dots(colour: string, thickness: number, ...at: readonly Point[]): Part[] {
  return at.map(([x, y]) => [colour, thickness, [x, y], [x + 0.01, y]] as const);
}

/** Something on four legs with its head in front: horses, cows, camels, dogs. */
function quadruped(colour: string, dark: string, neck: Point, head: Point): Part[] {
  return [
    ...legs(dark, 0.08, 0.4, -0.26, 0.2),
    [dark, 0.06, [-0.34, 0.58], [-0.42, 0.26]],
    [colour, 0.25, [-0.22, 0.55], [0.18, 0.56]],
    ...legs(colour, 0.085, 0.45, -0.2, 0.26),
    [colour, 0.15, [0.22, 0.6], neck],
    [colour, 0.12, neck, head],
  ];
}

const animals = {
  giraffe: {
    tall: 2.5,
    parts: [
      ...legs("#a9743a", 0.05, 0.45, -0.17, 0.12),
      ["#a9743a", 0.02, [-0.22, 0.52], [-0.27, 0.3]],
      ["#d9a657", 0.17, [-0.14, 0.5], [0.1, 0.55]],
      ...legs("#d9a657", 0.05, 0.45, -0.12, 0.16),
      ["#d9a657", 0.085, [0.13, 0.58], [0.27, 0.96]],
      ["#d9a657", 0.07, [0.27, 0.97], [0.37, 0.93]],
      ["#7a4a22", 0.018, [0.25, 0.99], [0.24, 1.05]],
      ...dots("#8a5526", 0.05, [-0.15, 0.54], [-0.06, 0.48], [0.03, 0.57], [0.11, 0.52], [-0.05, 0.57]),
      ...dots("#8a5526", 0.03, [0.17, 0.68], [0.2, 0.77], [0.24, 0.86]),
    ],
  },
  elephant: {
    tall: 1.7,
    parts: [
      ...legs("#6d6c74", 0.17, 0.35, -0.28, 0.16),
      ["#6d6c74", 0.03, [-0.46, 0.6], [-0.5, 0.3]],
      ["#8d8c94", 0.48, [-0.2, 0.58], [0.12, 0.6]],
      ...legs("#8d8c94", 0.17, 0.4, -0.18, 0.24),
      ["#8d8c94", 0.34, [0.36, 0.7], [0.38, 0.68]],
      ["#8d8c94", 0.1, [0.5, 0.6], [0.56, 0.34], [0.53, 0.14]],
      ["#77767e", 0.22, [0.28, 0.72], [0.25, 0.56]],
      ["#f4eede", 0.035, [0.48, 0.5], [0.61, 0.42]],
    ],
  },
  lion: {
    tall: 0.95,
    parts: [
      ...quadruped("#c8964f", "#a97a3c", [0.36, 0.72], [0.46, 0.72]),
      ["#7d4a20", 0.46, [0.38, 0.74], [0.39, 0.73]],
      ["#d3a45c", 0.22, [0.43, 0.74], [0.47, 0.7]],
      ...dots("#7d4a20", 0.1, [-0.43, 0.24]),
    ],
  },
  horse: {
    tall: 1.15,
    parts: [
      ...quadruped("#8a5636", "#4a2d1c", [0.4, 0.88], [0.54, 0.78]),
      ["#3a2418", 0.06, [0.2, 0.7], [0.36, 0.95]],
    ],
  },
  cow: {
    tall: 1.1,
    parts: [
      ...quadruped("#efe9df", "#d8d0c4", [0.4, 0.72], [0.52, 0.66]),
      ...dots("#4a372c", 0.16, [-0.2, 0.58], [0.08, 0.52]),
      ["#4a372c", 0.03, [0.36, 0.82], [0.46, 0.84]],
    ],
  },
  camel: {
    tall: 1.35,
    parts: [
      ...quadruped("#c79a5f", "#a67c45", [0.46, 0.84], [0.58, 0.84]),
      ["#c79a5f", 0.2, [-0.05, 0.66], [0.02, 0.74]],
    ],
  },
  dog: {
    tall: 0.75,
    parts: [
      ...quadruped("#a8733f", "#7d532b", [0.36, 0.8], [0.52, 0.76]),
      ["#5e3d1f", 0.1, [0.32, 0.86], [0.28, 0.7]],
    ],
  },
  cat: {
    tall: 0.65,
    parts: [
      ...quadruped("#4b4a52", "#37363d", [0.34, 0.78], [0.42, 0.78]),
      ["#4b4a52", 0.2, [0.38, 0.8], [0.4, 0.8]],
      ["#4b4a52", 0.06, [0.33, 0.84], [0.32, 0.98]],
      ["#4b4a52", 0.06, [0.44, 0.84], [0.46, 0.98]],
    ],
  },
} as const satisfies Readonly<Record<string, Animal>>;

/** Draws each animal that is asked for, two of a kind, one farther away than the other. */
export function drawAnimals(scene: Picture, ground: GroundAt, size: number): void {
  const random = scene.stream("animals");
  const place = (near: number) => scene.width * (0.5 + (near - 0.5) * 0.2 + between(random, -0.3, 0.3));
  for (const [species, animal] of Object.entries(animals)) {
    if (![...scene.features].some((feature) => feature === species)) continue;
    for (const near of [0.55, 1]) {
      const x = place(near);
      const y = ground(x) + size * 0.5 * (near - 1);
      const faces = random() < 0.5 ? 1 : -1;
      drawParts(scene, { x, y, size: size * animal.tall * near, faces }, animal.parts);
    }
  }
}
