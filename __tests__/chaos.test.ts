import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import type { Evidence } from "../local/chaos/evidence.ts";
import { violations } from "../local/chaos/invariants.ts";
import type { Fault } from "../local/chaos/plan.ts";
import { runPlan } from "../local/chaos/run.ts";
import { startWorld, type World } from "../local/chaos/world.ts";
import { startDeafServer } from "./support/deaf-server.ts";
import { plan, prompt, RECEIVE_LIMIT, THE_RESEND, throttled } from "./support/plans.ts";
import { settingsWith, synthesise } from "./support/synthesise.ts";

const MINUTES = 60_000;
const stackDir = synthesise(settingsWith()).folder;

/** Every place at which a prompt's way can end: at each call that it makes, before and after the call takes effect. */
const KILLS: Fault[] = (["kill before", "kill after"] as const).flatMap((kind) => [
  { on: "store", nth: 0, kind },
  { on: "model", nth: 0, kind },
  { on: "store", nth: 1, kind },
  { on: "store", nth: 2, kind },
]);

describe("the consumer", () => {
  let world: World;
  beforeAll(async () => {
    world = await startWorld({ stackDir });
  });
  afterAll(() => world[Symbol.asyncDispose]());

  describe("killed at any call it makes", () => {
    let left: readonly Evidence[];
    beforeAll(async () => {
      left = await runPlan(world, plan(KILLS.map((kill) => prompt({ faults: [kill] }))));
    });

    it("keeps all promises", () => {
      expect(left.flatMap(violations)).toEqual([]);
      expect(left[0]?.kills).toBe(KILLS.length);
      expect(statuses(left)).toEqual(KILLS.map(() => "succeeded"));
    });

    it("pays again only where it died between the model's answer and the stored picture", () => {
      const paidTwice = left[0]?.prompts.filter(({ paid }) => paid.length > 1);
      expect(paidTwice?.map(({ planned }) => planned.faults[0])).toEqual([
        { on: "store", nth: 1, kind: "kill before" },
        { on: "model", nth: 0, kind: "kill after" },
      ]);
    });
  });

  it.each(["cancel", "delete"] as const)(
    "keeps all promises when each prompt meets a %s at another call",
    async (how) => {
      const faults: (readonly Fault[])[] = [[], throttled(1), ...KILLS.slice(0, 4).map((kill) => [kill])];
      const prompts = faults.flatMap((each) =>
        [0, 3, 4, 50].map((atCall) => prompt({ faults: each, withdrawal: { how, atCall } })),
      );
      const left = await runPlan(world, plan(prompts));
      expect(left.flatMap(violations)).toEqual([]);
      const ends = Object.groupBy(statuses(left), (status) => status ?? "none");
      if (how === "delete") expect(Object.keys(ends)).toEqual(["deleted"]);
      else expect(new Set(Object.keys(ends))).toEqual(new Set(["cancelled", "succeeded"]));
    },
  );

  it("calls no model after a deadline, and ends what has one", async () => {
    const prompts = [0, 6].map((receives) => prompt({ expiresInSeconds: 60, faults: throttled(receives) }));
    const left = await runPlan(world, plan(prompts));
    expect(left.flatMap(violations)).toEqual([]);
    expect(new Set(statuses(left))).toEqual(new Set(["expired", "succeeded"]));
  });

  it("counts exactly the pictures too many, where owners die only after they have paid", async () => {
    const window: Fault[] = [
      { on: "model", nth: 0, kind: "kill after" },
      { on: "store", nth: 1, kind: "kill before" },
    ];
    const faults = [...window, ...window, ...window];
    const left = await runPlan(
      world,
      plan([prompt(), ...faults.map((fault) => prompt({ faults: [fault] }))]),
    );
    expect(left.flatMap(violations)).toEqual([]);
    const pictures = statuses(left).filter((status) => status === "succeeded").length;
    expect(left[0]?.abandonedLeases).toBe(faults.length);
    expect(left[0]?.billed).toBe(pictures + faults.length);
  });

  it.each(["reset after", "cut", "error after", "hang after"] as const)(
    "counts the price of a picture that was lost on its way: %s",
    async (kind) => {
      const [left] = await runPlan(world, plan([prompt({ faults: [{ on: "model", nth: 0, kind }] })]));
      expect(left && violations(left)).toEqual([]);
      expect(left?.billed).toBe(2);
      expect(left?.estimatedUsd).toBeCloseTo(left?.countableUsd ?? 0);
    },
  );

  it.each(["throttled", "model error"] as const)(
    "counts no price for a call that was answered: %s",
    async (kind) => {
      const [left] = await runPlan(world, plan([prompt({ faults: [{ on: "model", nth: 0, kind }] })]));
      expect(left?.billed).toBe(1);
      expect(left?.estimatedUsd).toBeCloseTo(left?.countableUsd ?? 0);
    },
  );

  it("makes a call of S3 again that hangs, within the same delivery", async () => {
    const hangs = (["hang before", "hang after"] as const).flatMap((kind) =>
      [0, 1, 2].map((nth): Fault => ({ on: "store", nth, kind })),
    );
    const left = await runPlan(
      world,
      plan(
        hangs.map((hang) => prompt({ faults: [hang] })),
        { invocationsAtOnce: hangs.length },
      ),
    );
    expect(left.flatMap(violations)).toEqual([]);
    expect(left[0]).toMatchObject({ kills: 0, deliveries: hangs.length, billed: hangs.length });
  });

  /** Each call of a prompt that is painted, and each way for all attempts of it to fail. */
  const FAILED_CALLS = (["error before", "error after", "reset after", "conflict"] as const).flatMap((kind) =>
    [0, 1, 2].map((nth): Fault => ({ on: "store", nth, kind, whole: true })),
  );

  it.each(["request", "jpeg"] as const)(
    "keeps all promises to a %s where a call of S3 fails as a whole",
    async (body) => {
      const prompts = FAILED_CALLS.map((fault) => prompt({ body, faults: [fault] }));
      const left = await runPlan(world, plan(prompts, { invocationsAtOnce: prompts.length }));
      expect(left.flatMap(violations)).toEqual([]);
      expect(statuses(left)).toEqual(prompts.map(() => "succeeded"));
      // At each one the delivery failed: the SDK's own attempts did not save it.
      expect(left[0]?.deliveries).toBeGreaterThanOrEqual(2 * prompts.length);
    },
  );

  it("keeps a prompt whose copy cannot be sent, and sends it at the next receive", async () => {
    const prompts = (["error before", "error after", "reset after"] as const).map((kind) =>
      prompt({ faults: [...throttled(RECEIVE_LIMIT - 1), { ...THE_RESEND, kind }] }),
    );
    const left = await runPlan(world, plan(prompts));
    expect(left.flatMap(violations)).toEqual([]);
    expect(statuses(left)).toEqual(prompts.map(() => "succeeded"));
  });

  it("loses nothing in an hour of throttling, and spreads what it retries", {
    timeout: 3 * MINUTES,
  }, async () => {
    const prompts = Array.from({ length: 10 }, () => prompt());
    const left = await runPlan(world, plan(prompts, { stormMinutes: 60 }));
    expect(left.flatMap(violations)).toEqual([]);
    expect(left[0]?.waits.length).toBeGreaterThan(60);
    expect(statuses(left)).toEqual(prompts.map(() => "succeeded"));
  });
});

describe("a prompt that nothing can be tried for", () => {
  const GIVE_UP_AFTER_SECONDS = 1800;
  let world: World;
  beforeAll(async () => {
    const variables = { GIVE_UP_AFTER_SECONDS: String(GIVE_UP_AFTER_SECONDS) };
    world = await startWorld({ stackDir, variables });
  });
  afterAll(() => world[Symbol.asyncDispose]());

  it.each<[string, Omit<Fault, "nth">, string | undefined]>([
    ["no model takes it", { on: "model", kind: "unavailable" }, "failed"],
    ["its record cannot be reached", { on: "store", kind: "reset before" }, undefined],
  ])(
    "is given up after its time, however often it was re-sent, and then painted when redriven: %s",
    {
      timeout: MINUTES,
    },
    async (_, fault, status) => {
      const faults = Array.from({ length: 400 }, (_, nth) => ({ ...fault, nth }));
      const [givenUp, redriven] = await runPlan(world, plan([prompt({ body: "text", faults })]));
      expect(givenUp?.restless).toBe(0);
      expect(givenUp?.prompts.map(({ record, deadLetters }) => [record?.status, deadLetters.length])).toEqual(
        [[status, 1]],
      );
      expect(givenUp?.seconds).toBeGreaterThan(GIVE_UP_AFTER_SECONDS);
      // Two copies, and nine receives of each, are well beyond the time.
      expect(givenUp?.seconds).toBeLessThan(3 * GIVE_UP_AFTER_SECONDS);
      expect(redriven && statuses([redriven])).toEqual(["succeeded"]);
    },
  );
});

it("a prompt is a dead letter within the hour where its function may not reach the bucket, and painted when redriven", async () => {
  await using world = await startWorld({ stackDir });
  const faults = Array.from({ length: 100 }, (_, nth): Fault => ({ on: "store", nth, kind: "denied" }));
  const [denied, redriven] = await runPlan(world, plan([prompt({ faults })]));
  expect(denied?.prompts.map(({ deadLetters }) => deadLetters.length)).toEqual([1]);
  expect(denied?.seconds).toBeLessThan(3600);
  expect(redriven && statuses([redriven])).toEqual(["succeeded"]);
});

it("a model that no connection can be made to is not waited for, and not paid", async () => {
  const { port, stop } = await startDeafServer();
  onTestFinished(stop);
  const endpoint = `http://127.0.0.1:${port}`;
  const variables = { AWS_ENDPOINT_URL_BEDROCK_RUNTIME: endpoint, MODEL_TIMEOUT_SECONDS: "20" };
  await using world = await startWorld({ stackDir, variables });
  const body = JSON.stringify({ requestId: "deaf", prompt: "K2" });
  await world.queue.send([body]);
  const [record] = await world.queue.receive(1);
  if (record === undefined) throw new Error("the message is not there");
  await world.environments.invoke({ Records: [record] }, 0);
  expect(JSON.parse(String(await world.object("requests/deaf.json")))).toMatchObject({
    status: "generating",
    reason: { code: "TimeoutError", message: expect.stringContaining("did not establish a connection") },
  });
});

function statuses(left: readonly Evidence[]): (string | undefined)[] {
  return left.at(-1)?.prompts.map(({ record }) => record?.status) ?? [];
}
