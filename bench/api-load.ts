// What many users at once get to feel of the API, against an endpoint that paints while its caller waits.
import { setTimeout } from "node:timers/promises";
import { parseArgs } from "node:util";
import { paginateListObjectsV2 } from "@aws-sdk/client-s3";
import autocannon from "autocannon";
import { bundle } from "../constructs/bundle.ts";
import { type Cloud, startCloud } from "../local/cloud.ts";
import { readRecord } from "../local/follow.ts";
import { startHttpApi } from "../local/http-api.ts";
import { LambdaFunction } from "../local/lambda.ts";
import { synthesise } from "../local/synthesise.ts";

/** API Gateway gives up on a request after so many seconds, and so does the load generator. */
const GATEWAY_LIMIT_SECONDS = 30;
/** The model while users wait: ten seconds for a picture, and as many calls at once as the settings of `dev` say. */
const MODEL = { latencyMs: 10_000, concurrencyLimit: 8 };

/** Without a new picture for so long, in milliseconds, none is to come any more. */
const STANDSTILL_MS = 20_000;

const { values } = parseArgs({ options: { users: { type: "string", default: "1000" } } });
const users = Number(values.users);

const synthesised = await synthesise("dev", new AbortController().signal);
if (synthesised === "interrupted") throw new Error("the synthesis was interrupted");
try {
  const cloud = await startCloud({
    stackDir: synthesised.stackDir,
    port: 0,
    trouble: MODEL,
  });
  try {
    await compare(cloud);
  } finally {
    await cloud.stop();
  }
} finally {
  await synthesised.remove();
}

async function compare(cloud: Cloud): Promise<void> {
  const { api, bedrock } = cloud;
  if (api === undefined || bedrock === undefined) throw new Error("the stack has no API");
  console.log(`${users} users at once, each with one prompt:`);
  const queued = await load(api.url);
  report("accepts and queues", queued);
  // Nobody waits any more: no need to take ten seconds for each of what is left.
  bedrock.setTrouble({ ...MODEL, latencyMs: 0 });
  console.log(`    ${await paintedOf(cloud, queued["2xx"])} of ${queued["2xx"]} accepted prompts painted`);
  bedrock.setTrouble(MODEL);
  const blocking = await loadBaseline(cloud);
  report("paints in the request", blocking);
  console.log(`  ratio of users answered  ${(queued["2xx"] / blocking["2xx"]).toFixed(1)}`);
  console.log(`  ratio of p99             ${(blocking.latency.p99 / queued.latency.p99).toFixed(1)}`);
}

function load(url: string): Promise<autocannon.Result> {
  return autocannon({
    url: `${url}/generate`,
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ prompt: "Norwegian mountain landscape with sunset", outputFormat: "jpeg" }),
    connections: users,
    amount: users,
    timeout: GATEWAY_LIMIT_SECONDS,
    // In a thread of its own, so that it does not wait for what it loads.
    workers: 1,
  });
}

/** How many requests end as succeeded; waits for them as long as the model still paints. */
async function paintedOf(cloud: Cloud, wanted: number): Promise<number> {
  let paid = -1;
  while (paid < wanted && paid < (cloud.bedrock?.bill.length ?? 0)) {
    paid = cloud.bedrock?.bill.length ?? 0;
    await setTimeout(STANDSTILL_MS);
  }
  let painted = 0;
  for await (const { Contents = [] } of paginateListObjectsV2(
    { client: cloud.s3 },
    { Bucket: cloud.bucket, Prefix: `${cloud.keyPrefix}requests/` },
  )) {
    for (const { Key = "" } of Contents) {
      if ((await readRecord(cloud, Key))?.status === "succeeded") painted += 1;
    }
  }
  return painted;
}

async function loadBaseline(cloud: Cloud): Promise<autocannon.Result> {
  const [spec] = cloud.stack.functions;
  if (spec === undefined || cloud.bedrock === undefined) throw new Error("the stack has no function");
  const functionName = "paint-in-request";
  const baseline = await LambdaFunction.create({
    spec: {
      ...spec,
      functionName,
      zipFile: bundle("bench/paint-in-request.ts").zip,
      timeoutSeconds: GATEWAY_LIMIT_SECONDS,
      environment: { IMAGE_BUCKET: cloud.bucket },
    },
    hostVariables: {
      AWS_ENDPOINT_URL_S3: cloud.endpoint,
      AWS_ENDPOINT_URL_BEDROCK_RUNTIME: cloud.bedrock.endpoint,
      AWS_ACCESS_KEY_ID: "local",
      AWS_SECRET_ACCESS_KEY: "local",
    },
    onInvocation: () => {},
    onLine: () => {},
  });
  const api = await startHttpApi({
    spec: {
      id: functionName,
      stageName: "$default",
      name: functionName,
      routes: [
        {
          routeKey: "POST /generate",
          authorisation: "NONE",
          functionName,
          timeoutMs: GATEWAY_LIMIT_SECONDS * 1000,
        },
      ],
      cors: undefined,
      throttling: undefined,
    },
    port: 0,
    functions: new Map([[functionName, baseline]]),
    onRequest: () => {},
  });
  try {
    return await load(api.url);
  } finally {
    await api.stop();
    await baseline.stop();
  }
}

function report(name: string, result: autocannon.Result): void {
  const { latency, timeouts, errors, non2xx } = result;
  console.log(
    `  ${name}: ${result["2xx"]} answered, ${timeouts} timed out, ${non2xx + errors - timeouts} failed`,
  );
  console.log(`    p50 ${latency.p50} ms, p99 ${latency.p99} ms, of those answered`);
}
