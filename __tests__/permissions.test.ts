import { readFileSync } from "node:fs";
import { PutObjectCommand } from "@aws-sdk/client-s3";
import { SendMessageCommand } from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { boundaryPermissions } from "../constructs/function-boundary.ts";
import { policyJson } from "../constructs/policy.ts";
import type { PlannedPrompt } from "../local/chaos/plan.ts";
import type { Journaled } from "../local/chaos/proxy.ts";
import { runPlan } from "../local/chaos/run.ts";
import { startWorld } from "../local/chaos/world.ts";
import { type Cloud, startCloud } from "../local/cloud.ts";
import { Terraform } from "../local/stack/terraform.ts";
import { LOCAL_ACCOUNT_ID } from "../local/stack/terraform-attributes.ts";
import { unusedPermissions } from "../ops/policies/unused-permissions.ts";
import { localId } from "./support/api-bench.ts";
import { type CallRecorder, startCallRecorder } from "./support/call-recorder.ts";
import { type Access, accessesOf, denied, type Grant, grantsOf, isAllowed, unused } from "./support/iam.ts";
import { quickPainter } from "./support/quick-painter.ts";
import { askedRecord } from "./support/sample-request.ts";
import { settingsWith, synthesise } from "./support/synthesise.ts";

const MINUTES = 60_000;
const QUEUE = `arn:aws:sqs:eu-west-1:${LOCAL_ACCOUNT_ID}:image-generation-queue-dev`;
const BUCKET = "arn:aws:s3:::couch-explorers-images-dev";

/** What the client's documentation means by its words for resources. */
const DOCUMENTED: Readonly<Record<string, string>> = {
  "the queue": QUEUE,
  "the dead-letter queue": `${QUEUE}-dlq`,
  "the bucket": BUCKET,
  "the bucket's `requests/*`": `${BUCKET}/requests/*`,
  "the bucket's `images/*`": `${BUCKET}/images/*`,
  "the bucket's `index/*`": `${BUCKET}/index/*`,
  everything: "*",
  "the consumer's event source": `arn:aws:lambda:eu-west-1:${LOCAL_ACCOUNT_ID}:event-source-mapping:*`,
};

const settings = settingsWith({ webhooks: [{ name: "app", url: "https://app.example/events" }] });
const boundary = grantsOf(policyJson(boundaryPermissions(settings, LOCAL_ACCOUNT_ID)));
const { folder } = synthesise(settings);

let cloud: Cloud;
let recorder: CallRecorder;
let policies: ReadonlyMap<string, readonly Grant[]>;

beforeAll(async () => {
  cloud = await startCloud({ stackDir: folder, port: 0, trouble: { latencyMs: 0 }, painter: quickPainter });
  recorder = await startCallRecorder(cloud);
  const terraform = await Terraform.read({ directory: folder, endpoint: cloud.endpoint });
  const named = terraform.resources(
    "aws_iam_role_policy",
    z.object({ name: z.string(), policy: z.string() }),
  );
  policies = new Map(named.map(({ name, policy }) => [name.replace(/-dev$/, ""), grantsOf(policy)]));
}, 2 * MINUTES);
afterAll(async () => {
  await recorder[Symbol.asyncDispose]();
  await cloud.stop();
});

/** All ways on which each function makes its calls. */
const WAYS: Readonly<Record<string, () => Promise<readonly Journaled[]>>> = {
  "image-processor": useConsumer,
  "image-api": useApi,
  "spend-breaker": useBreaker,
};

describe.each(Object.keys(WAYS))("the role of %s", (name) => {
  let granted: readonly Grant[];
  let used: readonly Access[];
  beforeAll(async () => {
    granted = policies.get(name) ?? [];
    used = accessesOf((await WAYS[name]?.()) ?? []);
  }, 2 * MINUTES);

  it("allows every call that the function makes", async () => {
    expect(used).not.toEqual([]);
    expect(await denied(granted, used)).toEqual([]);
  });

  it("allows nothing that its boundary takes away", async () => {
    expect(granted).not.toEqual([]);
    expect(await denied(boundary, granted)).toEqual([]);
  });

  it("allows nothing on anything that is not used, but for what is listed with its reason", async () => {
    const listed = unusedPermissions.flatMap(({ functions, actions }) =>
      functions.includes(name) ? actions : [],
    );
    const left = await unused(granted, used);
    expect(new Set(left.map(({ action }) => action))).toEqual(new Set(listed));
  });

  it.each([
    ["s3:GetObject", `${BUCKET}/secrets/one.json`],
    ["s3:DeleteObject", `${BUCKET}/secrets/one.json`],
    ["s3:DeleteObjectVersion", `${BUCKET}/secrets/one.json`],
    ["sqs:SendMessage", `arn:aws:sqs:eu-west-1:${LOCAL_ACCOUNT_ID}:another-queue`],
    ["sqs:PurgeQueue", QUEUE],
    ["bedrock:InvokeModel", "arn:aws:bedrock:us-west-2::foundation-model/stability.stable-image-ultra-v1:1"],
    [
      "lambda:UpdateEventSourceMapping",
      `arn:aws:lambda:eu-west-1:${LOCAL_ACCOUNT_ID}:event-source-mapping:x`,
    ],
  ])("does not allow %s on %s", async (action, resource) => {
    expect(await isAllowed(granted, { action, resource })).toBe(false);
  });
});

it("only the API's role may delete a picture", async () => {
  const access = { action: "s3:DeleteObjectVersion", resource: `${BUCKET}/images/one.png` };
  const names = [...policies.keys()];
  const allowed = await Promise.all(names.map((name) => isAllowed(policies.get(name) ?? [], access)));
  expect(names.filter((_, index) => allowed[index])).toEqual(["image-api"]);
});

it("the boundary has no action that no role has", () => {
  const actions = (grants: readonly Access[]) => new Set(grants.map(({ action }) => action));
  expect(actions(boundary)).toEqual(actions([...policies.values()].flat()));
});

describe("the permissions that the client's documentation names", () => {
  const documented = readDocumented();
  const commands = new Set(documented.flatMap(({ by }) => by));
  const used = new Map<string, readonly Access[]>();
  const grantsFor = (command: string): Access[] =>
    documented.filter(({ by }) => by.includes(command)).map(({ access }) => access);

  beforeAll(async () => {
    await useClient();
    for (const command of Object.keys(CLIENT_RUNS)) used.set(command, accessesOf(recorder.callsOf(command)));
  }, 3 * MINUTES);

  it("are given for every command", () => {
    expect(commands).toEqual(new Set(Object.keys(CLIENT_RUNS)));
  });

  it.each(Object.keys(CLIENT_RUNS))("are enough for %s, and not too many", async (command) => {
    const needed = used.get(command) ?? [];
    expect(needed).not.toEqual([]);
    expect(await denied(grantsFor(command), needed)).toEqual([]);
    expect(await unused(grantsFor(command), needed)).toEqual([]);
  });
});

const sound: PlannedPrompt = { body: "request", sent: 1, duplicates: 0, deletesLost: 0, faults: [] };

/** Painted, taken over, hidden, sent anew, by either model. */
const prompts: readonly PlannedPrompt[] = [
  sound,
  { ...sound, sent: 3 },
  { ...sound, faults: [{ on: "store", nth: 1, kind: "kill after" }] },
  { ...sound, faults: [{ on: "store", nth: 1, kind: "kill before" }] },
  { ...sound, faults: Array.from({ length: 24 }, (_, nth) => ({ on: "model", nth, kind: "unavailable" })) },
];

async function useConsumer(): Promise<readonly Journaled[]> {
  await using world = await startWorld({ stackDir: folder });
  const plan = { clockSkewsMs: [0], invocationsAtOnce: 3, stormMinutes: 0, order: 1 };
  const left = await runPlan(world, { prompts, ...plan });
  return left.flatMap((evidence) => evidence.prompts.flatMap(({ calls }) => calls));
}

const viewSchema = z.object({ imageUrl: z.string().optional() });

/** New, again, in conflict, wrong, asked for, unknown, finished with its picture opened, not cancelled, deleted, and the backlog. */
async function useApi(): Promise<readonly Journaled[]> {
  const ask = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(`${recorder.apiUrl}${path}`, init);
    const body = response.status === 204 ? {} : await response.json();
    return { ...viewSchema.parse(body), status: response.status };
  };
  const generate = (body: object, prefer = "wait=0") => {
    const headers = { "content-type": "application/json", "idempotency-key": "k2", prefer };
    return ask("/generate", { method: "POST", headers, body: JSON.stringify(body) });
  };
  const statuses = [
    await generate({ prompt: "Me on top of K2" }),
    await generate({ prompt: "Me on top of K2" }, "wait=25"),
    await generate({ prompt: "Me below K2" }),
    await generate({ steps: 30 }),
    await ask("/requests/unknown"),
    await ask("/requests"),
    await ask("/health"),
  ].map(({ status }) => status);
  expect(statuses).toEqual([202, 200, 409, 400, 404, 200, 200]);
  const { imageUrl = "" } = await ask(`/requests/${localId("k2")}`);
  const picture = Buffer.from(await (await fetch(imageUrl)).arrayBuffer());
  expect(picture.subarray(1, 4).toString()).toBe("PNG");
  expect(await ask(`/requests/${localId("k2")}/cancel`, { method: "POST" })).toMatchObject({ status: 409 });
  expect(await ask(`/requests/${localId("k2")}`, { method: "DELETE" })).toMatchObject({ status: 204 });
  return recorder.callsOf("image-api-dev");
}

async function useBreaker(): Promise<readonly Journaled[]> {
  const name = "spend-breaker-dev";
  expect(await recorder.functions.get(name)?.invoke({})).toMatchObject({ type: "result" });
  for (const source of cloud.eventSources) source.enable();
  return recorder.callsOf(name);
}

const ROW = /^\| (`\w+:[^|]+) \| ([^|]+) \| ([^|]+) \|$/gm;

/** The table of permissions in docs/publishing.md: each access, and the commands that it is for. */
function readDocumented(): { readonly access: Access; readonly by: readonly string[] }[] {
  const page = readFileSync(new URL("../docs/publishing.md", import.meta.url), "utf8");
  return [...page.matchAll(ROW)].flatMap(([, actions = "", on = "", by = ""]) => {
    const resource = DOCUMENTED[on];
    if (resource === undefined) throw new Error(`the documentation names an unknown resource: ${on}`);
    return actions.split(", ").map((action) => ({
      access: { action: action.replaceAll("`", ""), resource },
      by: by.split(", "),
    }));
  });
}

/** For each command, the ways on which it makes its calls. */
const CLIENT_RUNS: Readonly<Record<string, readonly (readonly string[])[]>> = {
  send: [["Me on top of K2"]],
  wait: [
    ["wait", "painted"],
    ["wait", "unknown", "--timeout", "1"],
  ],
  status: [
    ["status", "painted"],
    ["status", "unknown"],
  ],
  list: [["list"]],
  doctor: [["doctor"]],
  cancel: [["cancel", "tried"]],
  // The other letters are put back.
  delete: [["delete", "painted", "given-up"]],
  "dlq list": [["dlq", "list"]],
  "dlq show": [["dlq", "show", "dead"]],
  // The other letter is put back.
  "dlq redrive": [["dlq", "redrive", "dead"]],
  "dlq purge": [["dlq", "purge", "--yes"]],
  resume: [["resume"]],
};

async function useClient(): Promise<void> {
  const send = (QueueUrl: string, requestId: string) =>
    cloud.sqs.send(
      new SendMessageCommand({ QueueUrl, MessageBody: JSON.stringify({ requestId, prompt: "a fjord" }) }),
    );
  await send(cloud.queueUrl, "painted");
  await send(cloud.deadLetterQueueUrl, "dead");
  await send(cloud.deadLetterQueueUrl, "another");
  await send(cloud.deadLetterQueueUrl, "given-up");
  const now = new Date().toISOString();
  const timings = { queuedAt: now, startedAt: now };
  const tried = { ...askedRecord("tried"), status: "generating", timings, lease: null };
  await cloud.s3.send(
    new PutObjectCommand({ Bucket: cloud.bucket, Key: "requests/tried.json", Body: JSON.stringify(tried) }),
  );
  for (const [command, runs] of Object.entries(CLIENT_RUNS)) {
    if (command === "resume") for (const source of cloud.eventSources) await source.disable();
    for (const args of runs) await recorder.runClientAs(command, args);
  }
}
