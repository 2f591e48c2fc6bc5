import type { SKRSContext2D } from "@napi-rs/canvas";
import { choosePalette, type Palette, type Time, type Weather } from "./colour.ts";
import { between, pick, type Random, stream } from "./random.ts";
import { type Feature, isSubject, readWishes } from "./words.ts";

/** Shapes of the land in the distance. */
export type Land = "range" | "peak" | "volcano" | "fjord" | "hills" | "dunes" | "island" | "coast";

/** Everything that decides what a picture looks like. */
export interface Scene {
  readonly width: number;
  readonly height: number;
  /** The length that sizes everything: it suits the frame whatever its ratio. */
  readonly unit: number;
  readonly features: ReadonlySet<Feature>;
  readonly time: Time;
  readonly palette: Palette;
  readonly land: Land;
  /** Where the far land or water meets the sky. */
  readonly horizon: number;
  readonly water: boolean;
  readonly sun: { readonly x: number; readonly y: number };
  /** A random stream of its own for each part, so that one part never disturbs another. */
  stream(part: string): Random;
}

/** A scene on the canvas that it is drawn on. */
export interface Picture extends Scene {
  readonly context: SKRSContext2D;
}

const waters: readonly Feature[] = ["sea", "lake", "fjord", "beach", "island"];
const darkness: readonly Feature[] = ["night", "moon", "stars", "aurora"];

type Choices = readonly [readonly Feature[], ...(readonly Feature[])[]];
const highlands: Choices = [
  ["mountains", "lake", "forest"],
  ["hills", "cabin", "forest"],
  ["mountains", "forest", "birds"],
];
const anywhere: Choices = [
  ...highlands,
  ["sea", "island", "boat"],
  ["desert", "balloon"],
  ["beach", "palms", "birds"],
];

/** Decides on a scene from the words of a prompt; what the words leave open, the seed decides. */
export function imagine(
  prompt: string,
  negativePrompt: string | undefined,
  seed: number,
  size: { readonly width: number; readonly height: number },
): Scene {
  const partStream = (part: string): Random => stream(`${seed}/${part}/${prompt}`);
  const random = partStream("scene");
  const { wanted, unwanted } = readWishes(prompt, negativePrompt);
  const features = new Set(wanted);
  const surprise = pick(random, features.has("snow") ? highlands : anywhere);
  const wet = waters.some((feature) => features.has(feature));
  const needsSea = features.has("boat") || features.has("bridge") || features.has("lighthouse");
  if (features.has("beach") || (needsSea && !wet)) features.add("sea");
  if (features.has("cafe")) features.add("street");
  if (features.has("company")) features.add("people");
  if (features.has("tower")) features.add("city");
  if (features.has("pyramid")) features.add("desert");
  const blank = ![...features].some(isSubject);
  for (const feature of blank ? surprise : []) features.add(feature);
  for (const feature of unwanted) features.delete(feature);

  const time = timeOfDay(features, random);
  const land = shapeOfLand(features);
  const { width, height } = size;
  const low = time === "dawn" || time === "sunset";
  const tall = land === "range" || land === "peak" || land === "fjord" || land === "volcano";
  const sunHeight = low ? between(random, 0.72, 0.84) - (tall ? 0.26 : 0) : between(random, 0.2, 0.3);
  const open = land === "dunes" || land === "hills";
  const horizon = height * (open ? between(random, 0.42, 0.5) : between(random, 0.6, 0.66));
  const side = random() < 0.5 ? between(random, 0.16, 0.34) : between(random, 0.66, 0.84);
  return {
    width,
    height,
    unit: Math.min(height, width * 1.25),
    features,
    time,
    palette: choosePalette(time, weatherOf(features), random),
    land,
    horizon,
    water:
      !features.has("street") &&
      (waters.some((feature) => features.has(feature)) || (features.has("city") && !features.has("desert"))),
    sun: { x: width * side, y: horizon * sunHeight },
    stream: partStream,
  };
}

function timeOfDay(features: ReadonlySet<Feature>, random: Random): Time {
  const chance = pick<Time>(random, ["day", "day", "dawn", "sunset"]);
  if (features.has("sunset")) return "sunset";
  if (features.has("dawn")) return "dawn";
  if (darkness.some((feature) => features.has(feature))) return "night";
  return features.has("day") ? "day" : chance;
}

function weatherOf(features: ReadonlySet<Feature>): Weather {
  if (features.has("rain")) return { grey: [98, 108, 124], strength: 0.66 };
  if (features.has("fog")) return { grey: [172, 180, 190], strength: 0.4 };
  return { grey: [134, 144, 156], strength: features.has("clouds") ? 0.32 : 0 };
}

function shapeOfLand(features: ReadonlySet<Feature>): Land {
  if (features.has("volcano")) return "volcano";
  if (features.has("peak")) return "peak";
  if (features.has("fjord")) return "fjord";
  if (features.has("mountains")) return "range";
  if (features.has("desert")) return "dunes";
  if (features.has("island")) return "island";
  if (features.has("sea") || features.has("city")) return "coast";
  return "hills";
}

/** Whether lamps are lit. */
export function hasLights({ time }: Scene): boolean {
  return time === "night" || time === "sunset";
}
