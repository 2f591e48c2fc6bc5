import { describe, expect, it } from "vitest";
import measured from "../bench/measured.json" with { type: "json" };
import { rightSize } from "../bench/right-size.ts";
import { environmentNames, loadSettings } from "../config/load.ts";

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

  it("lets Lambda cost at most half a per cent of the cheapest picture", () => {
    expect(rightSize(measured).percentOfCost).toBeLessThan(0.5);
  });
});
