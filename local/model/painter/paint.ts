import { createCanvas } from "@napi-rs/canvas";
import { drawAirborne, drawBoats } from "./afloat.ts";
import { drawCity } from "./city.ts";
import { drawFigures } from "./figures.ts";
import { encodePng, markStandIn } from "./file.ts";
import { drawBank, drawField } from "./ground.ts";
import { drawLandmarks } from "./landmarks.ts";
import { drawRelief } from "./relief.ts";
import { imagine, type Picture } from "./scene.ts";
import { drawSky } from "./sky.ts";
import { drawStreet } from "./street.ts";
import { drawEruption } from "./volcano.ts";
import { drawWater } from "./water.ts";
import { drawFinish, drawWeather } from "./weather.ts";

/** The picture's size in pixels for each ratio the image models offer. */
export const sizes = {
  "16:9": { width: 1344, height: 756 },
  "1:1": { width: 1024, height: 1024 },
  "21:9": { width: 1512, height: 648 },
  "2:3": { width: 832, height: 1248 },
  "3:2": { width: 1248, height: 832 },
  "4:5": { width: 896, height: 1120 },
  "5:4": { width: 1120, height: 896 },
  "9:16": { width: 756, height: 1344 },
  "9:21": { width: 648, height: 1512 },
} as const;

/** What to paint. */
export interface Painting {
  readonly prompt: string;
  readonly negativePrompt?: string | undefined;
  readonly aspectRatio: keyof typeof sizes;
  readonly seed: number;
  readonly outputFormat: "png" | "jpeg";
}

const jpegQuality = 90;

/** Paints a stand-in picture from the words of a prompt; the same painting always gives the same bytes. */
export async function paint(painting: Painting): Promise<Buffer> {
  const { prompt, negativePrompt, aspectRatio, seed, outputFormat } = painting;
  const scene = imagine(prompt, negativePrompt, seed, sizes[aspectRatio]);
  const canvas = createCanvas(scene.width, scene.height);
  const context = canvas.getContext("2d");
  drawScene({ ...scene, context });
  const { data } = context.getImageData(0, 0, scene.width, scene.height);
  const bytes =
    outputFormat === "jpeg"
      ? await canvas.encode("jpeg", jpegQuality)
      : encodePng(data, scene.width, scene.height);
  return markStandIn(bytes, outputFormat);
}

function drawScene(scene: Picture): void {
  const { width, unit, land, water } = scene;
  drawSky(scene);
  const far = drawRelief(scene, land);
  if (land === "volcano" && scene.features.has("lava")) drawEruption(scene, far.skyline);
  drawCity(scene);
  drawLandmarks(scene);
  drawAirborne(scene);
  const summit = land === "peak" ? far.skyline.indexOf(Math.min(...far.skyline)) : undefined;
  if (summit !== undefined) {
    drawFigures(scene, (x) => (far.skyline[Math.round(x)] ?? 0) + 1, summit, unit * 0.05);
  }
  if (water) drawWater(scene);
  drawBoats(scene);
  const drawGround = scene.features.has("street") ? drawStreet : water ? drawBank : drawField;
  const ground = drawGround(scene, far);
  if (summit === undefined) {
    drawFigures(scene, ground, width * (scene.sun.x < width / 2 ? 0.7 : 0.3), unit * 0.085);
  }
  drawWeather(scene);
  drawFinish(scene);
}
