import { on, once } from "node:events";
import { SendMessageCommand } from "@aws-sdk/client-sqs";
import { describe, expect, it, onTestFinished } from "vitest";
import type { SettingsInput } from "../config/settings.ts";
import { type Cloud, startCloud } from "../local/cloud.ts";
import { FORBIDDEN_WORD } from "../local/model/bedrock.ts";
import type { Trouble } from "../local/model/trouble.ts";
import { type Ended, runClient } from "./support/client.ts";
import { CORE, ConsumerBench } from "./support/consumer-bench.ts";
import { quickPainter } from "./support/quick-painter.ts";
import { askedRecord, requestBody } from "./support/sample-request.ts";
import { settingsWith, synthesise } from "./support/synthesise.ts";

async function start(settings: Partial<SettingsInput>, trouble: Trouble): Promise<Cloud> {
  const { folder } = synthesise(settingsWith(settings));
  const cloud = await startCloud({ stackDir: folder, port: 0, trouble, painter: quickPainter });
  onTestFinished(() => cloud.stop());
  return cloud;
}

async function send(cloud: Cloud, prompt: string): Promise<void> {
  await cloud.sqs.send(new SendMessageCommand({ QueueUrl: cloud.queueUrl, MessageBody: prompt }));
}

/** Lets minutes pass for the alarms. Returns what fires and what stops. */
function minutes(cloud: Cloud, count: number): string[] {
  const changes: string[] = [];
  const note = ({ alarm, from, to }: { alarm: { name: string }; from: string; to: string }): void => {
    if (from === "ALARM" || to === "ALARM") {
      changes.push(`${to} ${alarm.name.replace("image-generation-dev-", "")}`);
    }
  };
  cloud.events.on("alarm", note);
  for (let minute = 0; minute < count; minute++) cloud.cloudWatch.tick();
  cloud.events.off("alarm", note);
  return changes;
}

/** The end of the next batch that leaves no message in the queue. */
async function finished(cloud: Cloud): Promise<void> {
  for await (const [{ failedMessageIds }] of on(cloud.events, "batch")) {
    if (failedMessageIds.length === 0) return;
  }
}

/** The end of a function's next invocation. */
async function invocationOf(cloud: Cloud, name: string): Promise<void> {
  for await (const [{ functionName }] of on(cloud.events, "invocation")) if (functionName === name) return;
}

function resume(cloud: Cloud, ...options: string[]): Promise<Ended> {
  return runClient(["resume", ...options], {
    env: {
      SQS_QUEUE_URL: cloud.queueUrl,
      AWS_ENDPOINT_URL: cloud.endpoint,
      AWS_ACCESS_KEY_ID: "local",
      AWS_SECRET_ACCESS_KEY: "local",
    },
  });
}

describe("a model that is down", () => {
  it("is told to the pager, and so is its recovery, after which the prompt is painted", async () => {
    const cloud = await start({}, { every: "ServiceUnavailableException" });
    await send(cloud, "Me on top of K2");
    await once(cloud.events, "batch");
    expect(minutes(cloud, 4)).toEqual([]);
    expect(minutes(cloud, 1)).toEqual(["ALARM no-images"]);
    const page = await cloud.spy.waitForMessage(
      (message) =>
        message.service === "sns" &&
        message.topicName.includes("-page-") &&
        message.body.includes('"NewStateValue":"ALARM"'),
      "published",
    );
    expect(JSON.parse(page.service === "sns" ? page.body : "")).toMatchObject({
      AlarmName: "image-generation-dev-no-images",
      NewStateReason: "last value 1, threshold 0",
    });

    cloud.bedrock?.setTrouble({ latencyMs: 0 });
    await finished(cloud);
    expect(minutes(cloud, 1)).toEqual(["OK no-images"]);
  });
});

describe("a model that is slow", () => {
  it("calls somebody once 1 of 20 waits too long for a picture, and is over when pictures come in time again", async () => {
    await using bench = await ConsumerBench.start();
    const { cloud } = bench;
    const objectiveSeconds = 60;
    const changes: string[] = [];
    for (const waited of [objectiveSeconds - 5, ...Array.from({ length: 3 }, () => objectiveSeconds + 5)]) {
      await bench.deliver(["A castle"], { sentAt: new Date(Date.now() - waited * 1000) });
      changes.push(...minutes(cloud, 1));
    }
    expect(changes).toEqual(["ALARM time-to-image"]);
    await bench.deliver(["A harbour"]);
    expect(minutes(cloud, 5)).toEqual(["OK time-to-image"]);
  });
});

describe("a model that refuses everything", () => {
  it("calls somebody, although nothing waits and nothing fails", async () => {
    const cloud = await start({}, { latencyMs: 0 });
    const changes: string[] = [];
    for (let period = 0; period < 3; period++) {
      for (let prompt = 0; prompt < 5; prompt++) {
        const done = finished(cloud);
        await send(cloud, `A castle, ${FORBIDDEN_WORD}`);
        await done;
      }
      changes.push(...minutes(cloud, 5));
    }
    expect(changes).toEqual(["ALARM rejected-prompts"]);
  });
});

describe("spending past the limit", () => {
  it("stops the consumer until somebody resumes it, and every prompt is painted in the end", async () => {
    // Two of them cost more than the two dollars an hour that follow from the budget.
    const cloud = await start(
      { monthlyBudgetUsd: 100, models: [{ id: CORE, concurrency: 8, pricePerImageUsd: 1.5 }] },
      { latencyMs: 0 },
    );
    for (const prompt of ["A beach", "A castle"]) {
      const done = finished(cloud);
      await send(cloud, prompt);
      await done;
    }
    const stopped = invocationOf(cloud, "spend-breaker-dev");
    expect(minutes(cloud, 1)).toEqual(["ALARM spend-hour"]);
    await stopped;
    await expect.poll(() => cloud.eventSources.map(({ state }) => state)).toEqual(["Disabled"]);

    const last = finished(cloud);
    await send(cloud, "A fjord");
    expect(await resume(cloud)).toEqual({
      code: 1,
      stdout: "",
      stderr:
        "image-processor-dev stays stopped, ALARM: image-generation-dev-spend-hour. Models cost more than 2 US dollars within the last hour. Wait until it is OK, raise the limit and deploy, or use --force.\n",
    });
    expect(cloud.eventSources.map(({ state }) => state)).toEqual(["Disabled"]);
    expect(minutes(cloud, 60)).toContain("OK spend-hour");
    expect(await resume(cloud)).toEqual({ code: 0, stdout: "image-processor-dev runs again.\n", stderr: "" });
    await last;
    expect(await resume(cloud)).toEqual({ code: 0, stdout: "image-processor-dev is running.\n", stderr: "" });
  });

  it("can be resumed by force while it lasts, and one line says what follows", async () => {
    const cloud = await start({ monthlyBudgetUsd: 100 }, {});
    const dimensions = { Environment: "dev" };
    const cost = { namespace: "CouchExplorers", name: "EstimatedCostUsd", dimensions };
    cloud.cloudWatch.store.record(cost, 3, Date.now());
    const stopped = invocationOf(cloud, "spend-breaker-dev");
    minutes(cloud, 2);
    await stopped;
    expect(await resume(cloud, "--force", "--json")).toEqual({
      code: 0,
      stdout: '{"consumer":"image-processor-dev","outcome":"resumed"}\n',
      stderr: "These can stop it again only once they have been OK: image-generation-dev-spend-hour.\n",
    });
  });
});

describe("what the alarms watch", () => {
  it("is there, every metric and dimension of it, once everything has happened that can happen", async () => {
    await using bench = await ConsumerBench.start();
    const { cloud } = bench;
    await bench.deliver(["A castle"]);
    bench.bedrock.setTrouble({ every: "AccessDeniedException" });
    await bench.deliver(["A harbour"]);
    bench.bedrock.setTrouble({ every: "InternalServerException" });
    await bench.deliver(["A village"]);
    bench.bedrock.setTrouble({ latencyMs: 0 });
    await bench.deliver([`A glacier, ${FORBIDDEN_WORD}`]);
    const now = new Date().toISOString();
    await bench.putRecord({
      ...askedRecord("abandoned"),
      status: "generating",
      timings: { queuedAt: now, startedAt: now },
      lease: { owner: "a function that died", expiresAt: now },
    });
    await bench.deliver([requestBody("abandoned")]);
    cloud.eventBridge.setTrouble({ entries: "InternalFailure", next: 1 });
    await bench.deliver(["A lake"]);
    await cloud.functions.get("spend-breaker-dev")?.invoke({});
    await fetch(`${cloud.api?.url}/health`);
    cloud.cloudWatch.tick();
    const missing = cloud.stack.alarms.flatMap(({ name, metrics }) =>
      [...metrics.values()]
        .filter(
          (metric) =>
            cloud.cloudWatch.store.statistic(metric, "SampleCount", 0, Number.POSITIVE_INFINITY) ===
            undefined,
        )
        .map((metric) => `${name}: ${metric.name} ${JSON.stringify(metric.dimensions)}`),
    );
    expect(missing).toEqual([]);
  });
});
