/**
 * What the pipeline makes of the rules in aws-rules.test.ts: under each of them a prompt still ends as a picture, or as a
 * record that is true. The consumer is the bundle that would be uploaded.
 */
import { once } from "node:events";
import { SendMessageCommand } from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import type { SettingsInput } from "../config/settings.ts";
import type { Evidence } from "../local/chaos/evidence.ts";
import type { FaultKind } from "../local/chaos/faults.ts";
import { violations } from "../local/chaos/invariants.ts";
import type { Fault, Target } from "../local/chaos/plan.ts";
import { runPlan } from "../local/chaos/run.ts";
import { startWorld, type World, type WorldOptions } from "../local/chaos/world.ts";
import { startCloud } from "../local/cloud.ts";
import { FaultScript } from "../local/model/trouble.ts";
import { CORE, ConsumerBench, SD35 } from "./support/consumer-bench.ts";
import { plan, prompt } from "./support/plans.ts";
import { quickPainter } from "./support/quick-painter.ts";
import { askedRecord, requestBody } from "./support/sample-request.ts";
import { sampleSettings, settingsWith, synthesise } from "./support/synthesise.ts";

const DOCS = "https://docs.aws.amazon.com";

/** Few receives, so that those of a prompt are soon used up. */
const FEW_RECEIVES: Partial<SettingsInput> = { consumer: { ...sampleSettings.consumer, receiveLimit: 3 } };

async function startTestWorld(settings: Partial<SettingsInput>, options: Partial<WorldOptions> = {}) {
  const world = await startWorld({ stackDir: synthesise(settingsWith(settings)).folder, ...options });
  onTestFinished(() => world[Symbol.asyncDispose]());
  return world;
}

/** The first calls to a service that are made for a prompt all come to the same. */
function every(on: Target, kind: FaultKind, count: number): Fault[] {
  return Array.from({ length: count }, (_, nth) => ({ on, nth, kind }));
}

function statuses({ prompts }: Evidence): unknown[] {
  return prompts.map(({ record }) => record?.status);
}

describe(`Lambda stops loops: ${DOCS}/lambda/latest/dg/invocation-recursion.html`, () => {
  it("a prompt that is re-sent more than 16 times is painted in the end", async () => {
    const world = await startTestWorld(FEW_RECEIVES);
    const [left, ...redriven] = await runPlan(
      world,
      plan([prompt({ faults: every("model", "throttled", 80) })]),
    );
    const calls = left?.prompts.flatMap((each) => each.calls) ?? [];
    expect(calls.filter(({ call }) => call.action === "sqs:SendMessage").length).toBeGreaterThan(16);
    expect(left && [statuses(left), violations(left), redriven]).toEqual([["succeeded"], [], []]);
  });
});

describe(`a wrong model id is a ValidationException: ${DOCS}/bedrock/latest/APIReference/API_runtime_InvokeModel.html`, () => {
  let world: World;
  beforeAll(async () => {
    world = await startWorld({ stackDir: synthesise(settingsWith(FEW_RECEIVES)).folder });
  });
  afterAll(() => world[Symbol.asyncDispose]());

  it("a prompt is painted by the next model where the first is not served on demand", async () => {
    const [left] = await runPlan(world, plan([prompt({ faults: every("model", "not on demand", 1) })]));
    expect(left?.prompts[0]?.record).toMatchObject({ status: "succeeded", model: SD35 });
    expect(left).toMatchObject({ deliveries: 1, billed: 1 });
  });

  it.each(["not on demand", "no access"] as const)(
    "a prompt for which every model is %s is failed once its message is a dead letter, not before, and painted when sent back",
    async (kind) => {
      const faults = every("model", kind, 20);
      const [left, redriven] = await runPlan(world, plan([prompt({ faults })]));
      expect(left?.prompts[0]).toMatchObject({
        deadLetters: [expect.anything()],
        statuses: [...Array.from({ length: 5 }, () => "generating"), "failed"],
      });
      expect(redriven && [statuses(redriven), violations(redriven)]).toEqual([["succeeded"], []]);
    },
  );
});

describe(`S3 answers conditional writes with more than yes and no: ${DOCS}/AmazonS3/latest/userguide/conditional-writes.html`, () => {
  let world: World;
  beforeAll(async () => {
    world = await startWorld({ stackDir: synthesise(settingsWith()).folder });
  });
  afterAll(() => world[Symbol.asyncDispose]());

  const writes = ["that creates the record", "of the picture", "that closes the record"].flatMap(
    (write, nth) => [
      { write, nth, kind: "conflict" as const, answer: "409" },
      { write, nth, kind: "reset after" as const, answer: "no answer, and then 412" },
    ],
  );
  it.each(writes)(
    "a prompt is painted and paid once, on its first delivery, where the write $write gets $answer",
    async ({ nth, kind }) => {
      const [left] = await runPlan(world, plan([prompt({ faults: [{ on: "store", nth, kind }] })]));
      expect(left && [statuses(left), violations(left)]).toEqual([["succeeded"], []]);
      expect(left).toMatchObject({ deliveries: 1, billed: 1, abandonedLeases: 0 });
      expect(left?.prompts[0]?.calls.map(({ fault }) => fault)).toContain(kind);
    },
  );
});

describe(`Lambda freezes environments, and their connections die: ${DOCS}/lambda/latest/dg/lambda-runtime-environment.html`, () => {
  it("two prompts of one environment, frozen in between, are each painted and paid once, by the first model", async () => {
    const world = await startTestWorld({});
    const before = world.bill.length;
    const [left] = await runPlan(world, plan([prompt(), prompt()], { invocationsAtOnce: 1 }));
    expect(world.bill.slice(before).map(({ modelId }) => modelId)).toEqual([CORE, CORE]);
    expect(left?.estimatedUsd).toBeCloseTo(2 * 0.04);
  });
});

describe(`Bedrock throttles above the requests per minute: ${DOCS}/bedrock/latest/userguide/quotas.html`, () => {
  it("prompts that wait for the quota longer than their receives last are all painted, and paid once", async () => {
    const world = await startTestWorld(FEW_RECEIVES, { trouble: { requestsPerMinute: 1 } });
    const prompts = Array.from({ length: 8 }, () => prompt());
    const [left, ...redriven] = await runPlan(world, plan(prompts));
    expect(left && [statuses(left), violations(left), redriven]).toEqual([
      prompts.map(() => "succeeded"),
      [],
      [],
    ]);
    expect(left?.billed).toBe(prompts.length);
    expect(left?.seconds).toBeGreaterThan(120);
  });
});

describe("the stand-in model as an account sees it", () => {
  let bench: ConsumerBench;
  beforeAll(async () => {
    bench = await ConsumerBench.start();
  });
  afterAll(() => bench[Symbol.asyncDispose]());

  // https://docs.aws.amazon.com/bedrock/latest/userguide/model-access.html
  it("a prompt that met a new account without an agreement says so, and is painted once there is one", async () => {
    bench.bedrock.setTrouble({ latencyMs: 0, newAccountSeconds: 0 });
    const { kept } = await bench.deliver([requestBody("new-account")]);
    expect(kept).toHaveLength(1);
    expect(await bench.record("new-account")).toMatchObject({
      status: "generating",
      lease: null,
      reason: { code: "AccessDeniedException", message: expect.stringContaining("Marketplace agreement") },
    });
    await fetch(`${bench.bedrock.endpoint}/create-foundation-model-agreement`, {
      method: "POST",
      body: JSON.stringify({ modelId: CORE }),
    });
    await bench.deliver([requestBody("new-account")]);
    expect(await bench.record("new-account")).toMatchObject({ status: "succeeded", model: CORE });
  });

  // https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-diffusion-stable-ultra-text-image-request-response.html
  it("a prompt whose picture the filter holds back for the seed that we drew is painted with another, by the same model", async () => {
    const trouble = { latencyMs: 0, filterImages: 0.001 };
    const script = new FaultScript(trouble);
    const record = askedRecord("filtered");
    const seed = Array.from({ length: 100_000 }, (_, index) => index + 1).find((each) =>
      script.filtersImage(CORE, record.prompt, each),
    );
    if (seed === undefined) throw new Error("the filter lets every picture pass");
    bench.bedrock.setTrouble(trouble);
    await bench.putRecord({
      ...{ ...record, seed, attempts: 0 },
      ...{ status: "queued", timings: { queuedAt: new Date().toISOString() } },
    });
    await bench.deliver([requestBody("filtered")]);
    expect(await bench.record("filtered")).toMatchObject({ status: "succeeded", model: CORE });
    expect(await bench.record("filtered")).not.toMatchObject({ seed });
  });

  // https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
  it("a prompt that its sender gave ten attributes is re-sent with all ten, and painted", async () => {
    bench.bedrock.setTrouble({ latencyMs: 0, every: "ThrottlingException" });
    const attributes = Object.fromEntries(
      Array.from({ length: 10 }, (_, index) => [
        `a${index}`,
        { DataType: "String", StringValue: String(index) },
      ]),
    );
    const { kept } = await bench.deliver([requestBody("ten")], { receives: 9, attributes });
    expect(kept).toEqual([]);
    const copy = (await bench.delayed()).find(({ body }) => body.includes('"ten"'));
    expect(copy?.messageAttributes).toMatchObject(attributes);
    bench.bedrock.setTrouble({ latencyMs: 0 });
    await bench.deliver([copy?.body ?? ""]);
    expect(await bench.record("ten")).toMatchObject({ status: "succeeded" });
  });
});

describe(`a new account has a concurrency of 10: ${DOCS}/lambda/latest/dg/gettingstarted-limits.html`, () => {
  it("prompts are painted although others use nine of its ten", async () => {
    const { folder: stackDir } = synthesise(
      settingsWith({
        accountConcurrency: 10,
        models: [{ id: CORE, concurrency: 2 }],
        api: { ...sampleSettings.api, throttling: { burst: 1, ratePerSecond: 1 } },
      }),
    );
    // What others use is not there.
    await startCloud({ stackDir, port: 0, accountConcurrency: 10 }).then((cloud) => cloud.stop());
    const cloud = await startCloud({
      ...{ stackDir, port: 0, accountConcurrency: 1, trouble: { latencyMs: 0 }, painter: quickPainter },
    });
    onTestFinished(() => cloud.stop());
    const throttled: string[] = [];
    cloud.events.on(
      "invocation",
      ({ outcome }) => outcome.type === "throttled" && throttled.push(outcome.type),
    );
    for (const name of ["one", "two", "three"]) {
      await cloud.sqs.send(
        new SendMessageCommand({ QueueUrl: cloud.queueUrl, MessageBody: requestBody(name) }),
      );
    }
    while ((cloud.bedrock?.bill.length ?? 0) < 3) await once(cloud.events, "batch");
    expect(throttled).not.toEqual([]);
  });
});
