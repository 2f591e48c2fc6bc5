import type { SKRSContext2D } from "@napi-rs/canvas";
import { createCanvas } from "@napi-rs/canvas";
import type { Scene } from "./scene.ts";

const tile = 256;

/** Darkens the corners and lays a fine grain over the picture. */
export function drawFinish(context: SKRSContext2D, scene: Scene): void {
  const { width, height } = scene;
  const reach = Math.hypot(width, height) / 2;
  const vignette = context.createRadialGradient(
    width / 2,
    height / 2,
    reach * 0.55,
    width / 2,
    height / 2,
    reach,
  );
  vignette.addColorStop(0, "rgba(8,6,20,0)");
  vignette.addColorStop(1, "rgba(8,6,20,0.34)");
  context.fillStyle = vignette;
  context.fillRect(0, 0, width, height);

  const random = scene.stream("grain");
  const canvas = createCanvas(tile, tile);
  const layer = canvas.getContext("2d");
  const image = layer.createImageData(tile, tile);
  for (let pixel = 0; pixel < image.data.length; pixel += 4) {
    const grey = 255 * random();
    image.data.set([grey, grey, grey, 9], pixel);
  }
  layer.putImageData(image, 0, 0);
  context.fillStyle = context.createPattern(canvas, "repeat");
  context.fillRect(0, 0, width, height);
}
