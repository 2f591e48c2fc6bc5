import { describe, expect, it } from "vitest";
import measuredFile from "../bench/measured.json" with { type: "json" };
import { measuredSchema, rightSize } from "../bench/right-size.ts";
import { environmentNames, loadSettings } from "../config/load.ts";

const measured = measuredSchema.parse(measuredFile);

describe("the right size", () => {
  it.each(environmentNames())("is what %s has, or up to half as much memory again", async (name) => {
    const { consumer } = await loadSettings(name);
    const { memoryMb } = rightSize(measured);
    expect(consumer.memoryMb).toBeGreaterThanOrEqual(memoryMb);
    expect(consumer.memoryMb).toBeLessThanOrEqual(1.5 * memoryMb);
  });

  it("has more memory where the work on a picture takes longer or more room", () => {
    const { memoryMb } = rightSize(measured);
    expect(rightSize({ ...measured, pictureMs: 10 * measured.pictureMs }).memoryMb).toBeGreaterThan(memoryMb);
    expect(rightSize({ ...measured, peakMb: 10 * measured.peakMb }).memoryMb).toBeGreaterThan(memoryMb);
  });
});
