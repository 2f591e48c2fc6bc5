import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { runChaos } from "../local/chaos/chaos.ts";
import type { Evidence } from "../local/chaos/evidence.ts";
import { type PromiseName, violations } from "../local/chaos/invariants.ts";
import type { Fault, Plan } from "../local/chaos/plan.ts";
import { runPlan } from "../local/chaos/run.ts";
import { startWorld, type World } from "../local/chaos/world.ts";
import { breakConsumer, type Damage } from "./support/broken-consumer.ts";
import { startDeafServer } from "./support/deaf-server.ts";
import { plan, prompt } from "./support/plans.ts";
import { copyStack, sampleSettings, settingsWith, synthesise } from "./support/synthesise.ts";

const MINUTES = 60_000;
const stackDir = synthesise(settingsWith()).folder;

/** Every place at which a prompt's way can end: at each call that it makes, before and after the call takes effect. */
const KILLS: Fault[] = (["kill before", "kill after"] as const).flatMap((kind) => [
  { on: "store", nth: 0, kind },
  { on: "model", nth: 0, kind },
  { on: "store", nth: 1, kind },
  { on: "store", nth: 2, kind },
]);

/** Of the stack above. */
const RECEIVE_LIMIT = 10;
/** A call of the queue for each receive: the last but one sends a copy. */
const THE_RESEND = { on: "queue", nth: RECEIVE_LIMIT - 2, whole: true } as const;

/** The models are throttled for so many receives. */
function throttled(receives: number): Fault[] {
  return Array.from({ length: 2 * receives }, (_, nth) => ({ on: "model", nth, kind: "throttled" }));
}

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

/** What a broken consumer does wrong, on which schedule that shows, and which promise it breaks. */
const BROKEN: readonly {
  readonly name: string;
  readonly damage: Damage;
  /** Starts the environments, which on a busy machine would take turns instead of working at the same time. */
  readonly warmUp?: Plan;
  readonly plan: Plan;
  readonly promise: PromiseName;
}[] = [
  {
    name: "ignores the lease",
    damage: {
      file: "functions/domain/ledger.ts",
      from: "Date.parse(lease.expiresAt) > Date.now()",
      to: "false",
    },
    // A message that comes back at once, before its first delivery is done.
    warmUp: plan([prompt(), prompt(), prompt()]),
    plan: plan([prompt({ sent: 3, faults: [{ on: "model", nth: 0, kind: "late" }] })]),
    promise: "nobody pays twice",
  },
  {
    name: "stores the picture after the record",
    damage: {
      file: "functions/consumer/consume.ts",
      from: "const stored = await images.store",
      to: `await ledger.succeed(claim, { ...details, image: {
        bucket: "any", key: "images/" + requestId + ".png", contentType: "image/png",
        bytes: result.bytes.byteLength, sha256: "unknown" } });
      const stored = await images.store`,
    },
    plan: plan([prompt({ faults: [{ on: "store", nth: 1, kind: "kill after" }] })]),
    promise: "nothing is lost",
  },
  {
    name: "has a prompt deleted that it has not painted",
    damage: {
      file: "functions/consumer/index.ts",
      from: "isDone ? []",
      to: "true ? []",
    },
    plan: plan([prompt({ faults: [0, 1].map((nth) => ({ on: "model", nth, kind: "model error" })) })]),
    promise: "nothing is lost",
  },
  {
    name: "has a prompt deleted whose copy it could not send",
    damage: {
      file: "functions/consumer/index.ts",
      from: `messageId, code });
    return false;`,
      to: `messageId, code });
    return redelivery.kind === "re-send";`,
    },
    plan: plan([
      prompt({ faults: [...throttled(RECEIVE_LIMIT - 1), { ...THE_RESEND, kind: "error before" }] }),
    ]),
    promise: "nothing is lost",
  },
  {
    name: "has a prompt deleted whose picture it could not record",
    damage: {
      file: "functions/consumer/consume.ts",
      from: "return outcomeOfError(error);",
      to: 'return { kind: "done" };',
    },
    plan: plan([prompt({ faults: [{ on: "store", nth: 2, kind: "error before", whole: true }] })]),
    promise: "nothing is lost",
  },
  {
    name: "has a prompt deleted that it could not record as rejected",
    damage: {
      file: "functions/domain/ledger.ts",
      from: "await this.#records.write(record, { ifMatch: etag })",
      to: "await this.#records.write(record, { ifMatch: etag }).catch(() => ({ written: true }))",
    },
    plan: plan([
      prompt({ body: "forbidden", faults: [{ on: "store", nth: 1, kind: "error before", whole: true }] }),
    ]),
    promise: "nothing is lost",
  },
  {
    name: "looks for a stored PNG only",
    damage: {
      file: "functions/domain/images.ts",
      from: "const key = imageKey(this.#keyPrefix, asked);\n    const head",
      to: `const key = imageKey(this.#keyPrefix, { ...asked, outputFormat: "png" });\n    const head`,
    },
    plan: plan([prompt({ body: "jpeg", faults: [{ on: "store", nth: 1, kind: "kill after" }] })]),
    promise: "nobody pays twice",
  },
  {
    name: "leases in seconds for milliseconds",
    damage: {
      file: "functions/consumer/index.ts",
      from: "leaseMs: settings.LEASE_SECONDS * 1000",
      to: "leaseMs: settings.LEASE_SECONDS",
    },
    plan: plan([prompt()]),
    promise: "leases outlive their owners",
  },
  {
    name: "counts a second try as the takeover of a request whose owner died",
    damage: {
      file: "functions/domain/ledger.ts",
      from: 'record.attempts > 0 ? "again"',
      to: 'record.attempts > 0 ? "abandoned"',
    },
    plan: plan([prompt({ faults: [0, 1].map((nth) => ({ on: "model", nth, kind: "model error" })) })]),
    promise: "every loss is counted",
  },
  {
    name: "takes a used-up quota for a failed try",
    damage: {
      file: "functions/domain/model-exceptions.ts",
      from: 'ServiceQuotaExceededException: "busy",',
      to: "",
    },
    plan: plan([
      prompt({
        faults: Array.from({ length: 40 }, (_, nth) => ({ on: "model", nth, kind: "over quota" })),
      }),
    ]),
    promise: "throttling loses nothing",
  },
  {
    name: "retries a prompt that the filter blocked",
    damage: {
      file: "functions/domain/models/stability.ts",
      from: 'finish?.startsWith("Filter reason")',
      to: "false",
    },
    plan: plan([prompt({ body: "forbidden" })]),
    promise: "a blocked prompt is not asked again",
  },
  {
    name: "lets the SDK call the model again by itself",
    damage: {
      file: "functions/consumer/index.ts",
      from: "maxAttempts: 1",
      to: "maxAttempts: 3",
    },
    plan: plan([prompt({ faults: [{ on: "model", nth: 0, kind: "reset after" }] })]),
    promise: "every loss is counted",
  },
  {
    name: "takes a call that was hung up for unpaid",
    damage: {
      file: "functions/consumer/invoke-model.ts",
      from: "mayBePaid: mayBePaid(error)",
      to: "mayBePaid: false",
    },
    plan: plan([prompt({ faults: [{ on: "model", nth: 0, kind: "reset after" }] })]),
    promise: "every loss is counted",
  },
  {
    name: "does not count what it takes over",
    damage: {
      file: "functions/consumer/consume.ts",
      from: "metrics.emit({ AbandonedLeases: 1 }, {});",
      to: "",
    },
    plan: plan([prompt({ faults: [{ on: "model", nth: 0, kind: "kill after" }] })]),
    promise: "every loss is counted",
  },
  {
    name: "writes down another picture than it stored",
    damage: {
      file: "functions/domain/images.ts",
      from: "bytes: bytes.byteLength, sha256 }",
      to: `bytes: bytes.byteLength, sha256: "0".repeat(64) }`,
    },
    plan: plan([prompt()]),
    promise: "records match the bucket",
  },
  {
    name: "lets a message go before it has told of it",
    damage: {
      file: "functions/consumer/consume.ts",
      from: "return untried(error);\n  }\n}\n\nasync function claimAndPaint",
      to: "return outcome;\n  }\n}\n\nasync function claimAndPaint",
    },
    plan: plan([prompt({ faults: [{ on: "events", nth: 0, kind: "event not taken" }] })]),
    promise: "every end is told, under one id",
  },
  {
    name: "takes HTTP 200 for an event that was taken",
    damage: {
      file: "functions/domain/events.ts",
      from: "if (FailedEntryCount === 0) return;",
      to: "if (FailedEntryCount !== undefined) return;",
    },
    plan: plan([prompt({ faults: [{ on: "events", nth: 0, kind: "event not taken" }] })]),
    promise: "every end is told, under one id",
  },
  {
    name: "tells only of a record that it has closed itself",
    damage: {
      file: "functions/consumer/consume.ts",
      from: 'return "record" in outcome ?',
      to: 'return "record" in outcome && delivery.receives === 1 ?',
    },
    plan: plan([prompt({ faults: [{ on: "events", nth: 0, kind: "kill before" }] })]),
    promise: "every end is told, under one id",
  },
  {
    name: "leases for longer than it can live",
    damage: {
      file: "functions/consumer/index.ts",
      from: "leaseMs: settings.LEASE_SECONDS * 1000",
      to: "leaseMs: settings.LEASE_SECONDS * 10_000",
    },
    plan: plan([prompt()]),
    promise: "leases end",
  },
  {
    name: "shows a prompt as failed while it has receives left",
    damage: {
      file: "functions/consumer/consume.ts",
      from: "if (isGivenUp(outcome.kind, delivery, options))",
      to: 'if (outcome.kind === "broken" || isGivenUp(outcome.kind, delivery, options))',
    },
    plan: plan([prompt({ faults: [0, 1].map((nth) => ({ on: "model", nth, kind: "no access" })) })]),
    promise: "failed is final",
  },
  {
    name: "takes a throttled call for a failed try",
    damage: {
      file: "functions/domain/model-exceptions.ts",
      from: 'ThrottlingException: "busy",',
      to: "",
    },
    plan: plan([prompt()], { stormMinutes: 60 }),
    promise: "throttling loses nothing",
  },
  {
    name: "waits for the same time before each try",
    damage: {
      file: "functions/consumer/redelivery.ts",
      from: "return Math.ceil(ceiling / 2 + (random() * ceiling) / 2)",
      to: "return Math.ceil(ceiling / 2)",
    },
    plan: plan(
      Array.from({ length: 10 }, () => prompt()),
      { stormMinutes: 20 },
    ),
    promise: "back-off spreads retries",
  },
  {
    name: "leaves a timer behind",
    damage: {
      file: "functions/consumer/index.ts",
      from: "const outcome = await",
      to: "setInterval(() => {}, 60_000); const outcome = await",
    },
    plan: plan(
      Array.from({ length: 30 }, () => prompt()),
      { invocationsAtOnce: 1 },
    ),
    promise: "memory and handles stay flat",
  },
];

describe("a consumer that", () => {
  it.each(BROKEN)("$name is caught: $promise", async ({ damage, warmUp, plan, promise }) => {
    await using world = await startWorld({ stackDir, code: await breakConsumer(damage) });
    if (warmUp !== undefined) await runPlan(world, warmUp);
    const left = await runPlan(world, plan);
    expect(left.flatMap(violations).map((violation) => violation.promise)).toContain(promise);
  });

  it("Lambda takes for a loop is caught: nothing is lost", async () => {
    const folder = copyStack(settingsWith({ consumer: { ...sampleSettings.consumer, receiveLimit: 3 } }));
    const file = join(folder, "cdk.tf.json");
    const stack = JSON.parse(readFileSync(file, "utf8"));
    delete stack.resource.aws_lambda_function_recursion_config;
    writeFileSync(file, JSON.stringify(stack));
    await using world = await startWorld({ stackDir: folder });
    const faults = Array.from({ length: 80 }, (_, nth): Fault => ({ on: "model", nth, kind: "throttled" }));
    const left = await runPlan(world, plan([prompt({ faults })]));
    const broken = left.flatMap(violations).map((violation) => violation.promise);
    expect(broken).toEqual(["nothing is lost", "throttling loses nothing"]);
  });

  it("has a bug counts as a function that fails, and loses nothing", async () => {
    const bug = "if (delivery.receives === 1) (undefined as any)();";
    const code = await breakConsumer({
      file: "functions/consumer/consume.ts",
      from: "const request = identified(parsed.request, message);",
      to: `const request = identified(parsed.request, message); ${bug}`,
    });
    await using world = await startWorld({ stackDir, code });
    await world.queue.send(["K2"]);
    const [record] = await world.queue.receive(1);
    if (record === undefined) throw new Error("the message is not there");
    const ran = await world.environments.invoke({ Records: [record] }, 0);
    expect(ran).toMatchObject({ outcome: { type: "error", error: { errorType: "TypeError" } } });
    expect(await world.queue.size()).toBe(1);
    await world.queue.purge();
    const left = await runPlan(world, plan([prompt()]));
    expect(left.flatMap(violations)).toEqual([]);
  });

  it("is broken is caught on a schedule that is shrunk to one prompt", { timeout: 3 * MINUTES }, async () => {
    const damage = { file: "functions/consumer/index.ts", from: "isDone ? []", to: "true ? []" };
    await using world = await startWorld({ stackDir, code: await breakConsumer(damage) });
    const { shortest } = await runChaos(world, { seed: 1, schedules: 20, mostPrompts: 2, shrinkMs: 20_000 });
    expect(shortest?.prompts).toHaveLength(1);
  });
});

function statuses(left: readonly Evidence[]): (string | undefined)[] {
  return left.at(-1)?.prompts.map(({ record }) => record?.status) ?? [];
}
