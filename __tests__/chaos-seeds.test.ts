import { afterAll, beforeAll, expect, it } from "vitest";
import { runChaos } from "../local/chaos/chaos.ts";
import { startWorld, type World } from "../local/chaos/world.ts";
import { settingsWith, synthesise } from "./support/synthesise.ts";
import { isThorough } from "./support/thorough.ts";

let world: World;
beforeAll(async () => {
  world = await startWorld({ stackDir: synthesise(settingsWith()).folder });
});
afterAll(() => world[Symbol.asyncDispose]());

// `npm run chaos` and `npm run soak` draw many more.
const SEEDS = Array.from({ length: isThorough ? 50 : 10 }, (_, index) => index + 1);

it.each(SEEDS)("the consumer keeps all promises on the schedules of seed %i", async (seed) => {
  const result = await runChaos(world, { seed, schedules: 1, mostPrompts: 3, shrinkMs: 0 });
  expect(result.violations).toEqual([]);
});
