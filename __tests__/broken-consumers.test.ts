import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { runChaos } from "../local/chaos/chaos.ts";
import { type PromiseName, violations } from "../local/chaos/invariants.ts";
import type { Fault, Plan } from "../local/chaos/plan.ts";
import { runPlan } from "../local/chaos/run.ts";
import { startWorld } from "../local/chaos/world.ts";
import { breakConsumer, type Damage } from "./support/broken-consumer.ts";
import { plan, prompt, RECEIVE_LIMIT, THE_RESEND, throttled } from "./support/plans.ts";
import { copyStack, sampleSettings, settingsWith, synthesise } from "./support/synthesise.ts";

const MINUTES = 60_000;
const stackDir = synthesise(settingsWith()).folder;

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
    name: "paints what is cancelled",
    damage: {
      file: "functions/domain/ledger.ts",
      from: 'if (isClosed(record)) return { kind: "closed", record };',
      to: "",
    },
    plan: plan([prompt({ faults: throttled(1), withdrawal: { how: "cancel", atCall: 5 } })]),
    promise: "what is cancelled or deleted stays so",
  },
  {
    name: "ignores the deadline",
    damage: {
      file: "functions/domain/record.ts",
      from: "expiresAt !== undefined && Date.parse(expiresAt) <= Date.now()",
      to: "false",
    },
    plan: plan([prompt({ expiresInSeconds: 1, faults: throttled(2) })]),
    promise: "no model is called after the deadline",
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
      from: `"visibility not changed", messageId, code });
    return false;`,
      to: `"visibility not changed", messageId, code });
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

  it("has a queue that expires prompts before they are re-sent is caught: nothing is lost", async () => {
    const folder = copyStack(settingsWith());
    const file = join(folder, "cdk.tf.json");
    const stack = JSON.parse(readFileSync(file, "utf8"));
    for (const queue of Object.values<object>(stack.resource.aws_sqs_queue)) {
      Object.assign(queue, { message_retention_seconds: 60 });
    }
    writeFileSync(file, JSON.stringify(stack));
    await using world = await startWorld({ stackDir: folder });
    const left = await runPlan(world, plan([prompt({ faults: throttled(RECEIVE_LIMIT) })]));
    expect(left.flatMap(violations).map((violation) => violation.promise)).toContain("nothing is lost");
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
