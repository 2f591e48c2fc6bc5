import { describe, expect, it } from "vitest";
import measuredFile from "../bench/measured.json" with { type: "json" };
import { measuredSchema, rightSize } from "../bench/right-size.ts";
import { environmentNames, loadSettings } from "../config/load.ts";

const measured = measuredSchema.parse(measuredFile);

describe("the right size", () => {
  it.each(environmentNames())("is what %s has, or up to half as much memory again", async (name) => {
    const { consumer, models } = await loadSettings(name);
    const { batchSize, memoryMb } = rightSize(measured, models[0]?.concurrency ?? 0);
    expect(consumer.batchSize).toBe(batchSize);
    expect(consumer.memoryMb).toBeGreaterThanOrEqual(memoryMb);
    expect(consumer.memoryMb).toBeLessThanOrEqual(1.5 * memoryMb);
  });

  it.each([
    { limit: 2, batchSize: 1, invocations: 2 },
    { limit: 8, batchSize: 4, invocations: 2 },
    { limit: 20, batchSize: 10, invocations: 2 },
    { limit: 25, batchSize: 8, invocations: 3 },
    { limit: 200, batchSize: 10, invocations: 20 },
  ])("shares a limit of $limit calls among $invocations batches of $batchSize", ({ limit, ...shares }) => {
    expect(rightSize(measured, limit)).toMatchObject(shares);
  });

  it("has more memory where the work on a picture takes longer or more room", () => {
    const { memoryMb } = rightSize(measured, 20);
    expect(rightSize({ ...measured, pictureMs: 10 * measured.pictureMs }, 20).memoryMb).toBeGreaterThan(
      memoryMb,
    );
    expect(rightSize({ ...measured, peakMb: 10 * measured.peakMb }, 20).memoryMb).toBeGreaterThan(memoryMb);
  });
});
