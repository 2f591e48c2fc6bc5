import { execFileSync } from "node:child_process";
import { createHash, randomInt } from "node:crypto";
import { createCanvas, loadImage } from "@napi-rs/canvas";
import exifr from "exifr";
import { describe, expect, it, vi } from "vitest";
import type { Painting } from "../local/model/painter/paint.ts";
import { paint } from "../local/model/painter/paint.ts";
import { stream } from "../local/model/painter/random.ts";
import { imagine } from "../local/model/painter/scene.ts";
import { readWishes } from "../local/model/painter/words.ts";

const ratios: readonly Painting["aspectRatio"][] = [
  "16:9",
  "1:1",
  "21:9",
  "2:3",
  "3:2",
  "4:5",
  "5:4",
  "9:16",
  "9:21",
];

vi.setConfig({ testTimeout: 30_000 });

const thumbnail = 256;

function picture(prompt: string, changes: Partial<Painting> = {}): Promise<Buffer> {
  return paint({ prompt, aspectRatio: "1:1", seed: 7, outputFormat: "png", ...changes });
}

function sha256(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}

interface Tone {
  readonly red: number;
  readonly green: number;
  readonly blue: number;
  readonly brightness: number;
}

async function pixels(bytes: Buffer): Promise<Uint8ClampedArray> {
  const image = await loadImage(bytes);
  const context = createCanvas(thumbnail, thumbnail).getContext("2d");
  context.drawImage(image, 0, 0, thumbnail, thumbnail);
  return context.getImageData(0, 0, thumbnail, thumbnail).data;
}

/** The mean colour of a prompt's picture. */
async function tone(prompt: string): Promise<Tone> {
  const sums = [0, 0, 0, 0];
  const data = await pixels(await picture(prompt, { outputFormat: "jpeg" }));
  data.forEach((value, i) => {
    sums[i % 4] = (sums[i % 4] ?? 0) + value / thumbnail ** 2;
  });
  const [red = 0, green = 0, blue = 0] = sums;
  return { red, green, blue, brightness: 0.2126 * red + 0.7152 * green + 0.0722 * blue };
}

/** The part of the picture that looks different. */
async function difference(one: Buffer, other: Buffer): Promise<number> {
  const [first, second] = [await pixels(one), await pixels(other)];
  return first.filter((value, i) => Math.abs(value - (second[i] ?? 0)) > 3).length / first.length;
}

describe("the same painting", () => {
  it("has the same bytes in another process", async () => {
    const script = `
      import { createHash } from "node:crypto";
      import { paint } from "./local/model/painter/paint.ts";
      const bytes = await paint({ prompt: "Paris at night", aspectRatio: "1:1", seed: 7, outputFormat: "png" });
      process.stdout.write(createHash("sha256").update(bytes).digest("hex"));`;
    const elsewhere = execFileSync("node", ["--input-type=module", "--eval", script], { encoding: "utf8" });
    expect(elsewhere).toBe(sha256(await picture("Paris at night")));
  });
});

describe("another painting", () => {
  it("follows from another seed", async () => {
    expect(sha256(await picture("a lake", { seed: 1 }))).not.toBe(
      sha256(await picture("a lake", { seed: 2 })),
    );
  });

  it("follows from other words, even words the painter does not know", async () => {
    expect(sha256(await picture("a lake of quinces"))).not.toBe(sha256(await picture("a lake of marmalade")));
  });
});

describe("the file", () => {
  it.each(["png", "jpeg"] as const)("is a %s that says that a program drew it", async (outputFormat) => {
    const bytes = await picture("a lake", { outputFormat });
    expect(await exifr.parse(bytes, { xmp: true })).toMatchObject({
      DigitalSourceType: "http://cv.iptc.org/newscodes/digitalsourcetype/algorithmicMedia",
      AISystemUsed: expect.stringContaining("Not an image model"),
    });
    expect((await loadImage(bytes)).width).toBe(1024);
  });

  it.each(["png", "jpeg"] as const)("does not carry the prompt (%s)", async (outputFormat) => {
    expect((await picture("xylophonist", { outputFormat })).includes("xylophonist")).toBe(false);
  });
});

describe("the words", () => {
  it("make a mountain fill a good part of the picture", async () => {
    const mountain = await picture("K2 by the sea");
    const sea = await picture("K2 by the sea", { negativePrompt: "mountain, summit" });
    expect(await difference(mountain, sea)).toBeGreaterThan(0.15);
  });

  it("make night darker than day", async () => {
    const [night, day] = await Promise.all([tone("mountains at night"), tone("mountains by day")]);
    expect(night.brightness).toBeLessThan(day.brightness / 2);
  });

  it("make a sunset warmer than a night", async () => {
    const [sunset, night] = await Promise.all([tone("sunset over the sea"), tone("night over the sea")]);
    expect(sunset.red - sunset.blue).toBeGreaterThan(night.red - night.blue + 20);
  });

  it("make snow whiter than desert", async () => {
    const [snow, desert] = await Promise.all([tone("snow on the hills by day"), tone("desert by day")]);
    const whiteness = ({ red, green, blue }: Tone): number => Math.min(red, green, blue);
    expect(whiteness(snow)).toBeGreaterThan(whiteness(desert) + 20);
  });

  it("mean the same in capitals, in the plural and beside punctuation", () => {
    expect(readWishes("BEACHES,with:Ships!").wanted).toEqual(new Set(["beach", "boat"]));
  });

  it.each([
    ["mountainous", "mountains"],
    ["climbing", "people"],
    ["snowing", "snow"],
    ["Giraffes", "giraffe"],
    ["cafés", "cafe"],
  ])("mean the same in another form: %s", (word, feature) => {
    expect(readWishes(word).wanted).toContain(feature);
  });

  it.each([
    ["A cozy Parisian café in the rain", ["street", "cafe", "rain", "city", "tower"], ["cozy"]],
    ["African safari with giraffes", ["savanna", "giraffe", "elephant"], []],
    ["An autumn day with my dog Rex", ["autumn", "day", "dog"], ["Rex"]],
  ])("are told apart from those that the painter does not know: %s", (prompt, wanted, unknown) => {
    const wishes = readWishes(prompt);
    expect(wishes.wanted).toEqual(new Set(wanted));
    expect(wishes.unknown).toEqual(unknown);
  });

  it.each(["giraffe", "cat", "car", "castle", "rainbow", "flowers"])(
    "put what they name into the picture: %s",
    async (word) => {
      const [shown, without] = await Promise.all([
        picture(`hills by day, ${word}`),
        picture(`hills by day, ${word}`, { negativePrompt: word }),
      ]);
      expect(await difference(shown, without)).toBeGreaterThan(0.0005);
    },
  );

  it("count only as whole words", () => {
    expect(readWishes("a seal mends the treehouse-cityscape").wanted).toEqual(new Set());
  });
});

describe("leaving out", () => {
  it("removes people that the negative prompt names, and nothing else", async () => {
    const withPeople = await picture("people at the lake");
    const without = await picture("people at the lake", { negativePrompt: "people" });
    const changed = await difference(withPeople, without);
    expect(changed).toBeGreaterThan(0.0005);
    expect(changed).toBeLessThan(0.05);
  });

  it("removes what other words imply", () => {
    const size = { width: 1024, height: 1024 };
    expect(imagine("a beach", undefined, 1, size).features).toContain("sea");
    expect(imagine("a beach", "ocean", 1, size).features).not.toContain("sea");
  });

  it("removes what the prompt itself denies", () => {
    expect(readWishes("a city with no people, without any boats").wanted).toEqual(new Set(["city"]));
  });
});

describe("any prompt", () => {
  it.each([
    ["empty", ""],
    ["ten thousand characters long", "very ".repeat(2000)],
    ["made of control characters", "\0\x01\x1b[31m\r\n\t\u202e"],
    ["made of half a surrogate pair", "\ud83c mountain \udfd4"],
    ["made of emoji", "🏔️🌊👩‍🚀🎈"],
    ["in Chinese", "富士山和湖上的月"],
    ["named like a property of every object", "constructor __proto__ toString"],
  ])("gives a picture when it is %s", async (_, prompt) => {
    expect((await loadImage(await picture(prompt, { outputFormat: "jpeg" }))).width).toBe(1024);
  });

  describe("drawn at random", () => {
    const seed = randomInt(2 ** 31);
    console.log(`random prompts from seed ${seed}`);
    const random = stream(String(seed));
    const words =
      "sea,k2,city,paris,night,snow,forest,desert,people,boat,rain,fog,volcano,couch,no,island,aurora,tower,cabin,ö".split(
        ",",
      );
    const prompts = ratios.map((aspectRatio) => {
      const drawn = Array.from({ length: 1 + random() * 6 }, () => {
        return random() < 0.8
          ? words[Math.floor(random() * words.length)]
          : String.fromCharCode(random() * 65536);
      });
      return [aspectRatio, drawn.join(" ")] as const;
    });

    it.each(prompts)(
      "gives a picture of %s, with a long side of at least 1024 pixels",
      async (ratio, prompt) => {
        const painted = await picture(prompt, { aspectRatio: ratio, outputFormat: "jpeg" });
        const { width, height } = await loadImage(painted);
        const [across = 0, down = 0] = ratio.split(":").map(Number);
        expect(width / height, JSON.stringify(prompt)).toBeCloseTo(across / down, 2);
        expect(Math.max(width, height)).toBeGreaterThanOrEqual(1024);
      },
    );
  });
});
