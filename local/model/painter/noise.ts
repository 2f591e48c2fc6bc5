import type { Random } from "./random.ts";

/** Smooth noise over the plane, about -1 to 1. */
export type Noise = (x: number, y: number) => number;

const lattice = 256;

/** Gradient noise whose lattice is drawn from the random stream. */
export function gradientNoise(random: Random): Noise {
  const order = new Uint8Array(lattice * 2);
  for (let i = 0; i < lattice; i++) order[i] = i;
  for (let i = lattice - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    const swapped = order[i] ?? 0;
    order[i] = order[j] ?? 0;
    order[j] = swapped;
  }
  order.copyWithin(lattice, 0, lattice);
  const slopesX = new Float32Array(lattice);
  const slopesY = new Float32Array(lattice);
  for (let i = 0; i < lattice; i++) {
    const angle = random() * 2 * Math.PI;
    slopesX[i] = Math.cos(angle) * 1.5;
    slopesY[i] = Math.sin(angle) * 1.5;
  }
  const corner = (column: number, row: number, dx: number, dy: number): number => {
    const at = order[(order[column & 255] ?? 0) + (row & 255)] ?? 0;
    return (slopesX[at] ?? 0) * dx + (slopesY[at] ?? 0) * dy;
  };
  return (x, y) => {
    const column = Math.floor(x);
    const row = Math.floor(y);
    const dx = x - column;
    const dy = y - row;
    const u = dx * dx * dx * (dx * (dx * 6 - 15) + 10);
    const v = dy * dy * dy * (dy * (dy * 6 - 15) + 10);
    const top = corner(column, row, dx, dy) * (1 - u) + corner(column + 1, row, dx - 1, dy) * u;
    const bottom =
      corner(column, row + 1, dx, dy - 1) * (1 - u) + corner(column + 1, row + 1, dx - 1, dy - 1) * u;
    return top * (1 - v) + bottom * v;
  };
}

/** Octaves of noise laid over each other: clouds, rolling hills. About -1 to 1. */
export function fractal(noise: Noise, x: number, y: number, octaves: number): number {
  let sum = 0;
  let strength = 0.5;
  let scale = 1;
  for (let octave = 0; octave < octaves; octave++) {
    sum += strength * noise(x * scale + octave * 17.3, y * scale - octave * 9.1);
    strength *= 0.5;
    scale *= 2.03;
  }
  return sum;
}

/** Octaves of noise folded into sharp crests that carry more detail the higher they are. About 0 to 1. */
export function ridged(noise: Noise, x: number, y: number, octaves: number): number {
  let sum = 0;
  let strength = 0.5;
  let scale = 1;
  let carry = 1;
  for (let octave = 0; octave < octaves; octave++) {
    const crest = 1 - Math.abs(noise(x * scale + octave * 31.7, y * scale + octave * 11.9));
    const sharp = crest * crest * carry;
    carry = Math.min(1, sharp * 1.6);
    sum += strength * sharp;
    strength *= 0.5;
    scale *= 2.07;
  }
  return sum;
}

/** 0 below the first edge, 1 above the second, a smooth step between. */
export function smoothstep(from: number, to: number, value: number): number {
  const t = Math.min(1, Math.max(0, (value - from) / (to - from)));
  return t * t * (3 - 2 * t);
}
