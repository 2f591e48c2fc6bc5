import autocannon from "autocannon";
import { bundle } from "../constructs/bundle.ts";
import { type Cloud, startCloud } from "../local/cloud.ts";
import { startHttpApi } from "../local/gateway/http-api.ts";
import { LambdaFunction } from "../local/lambda/lambda.ts";
import { synthesise } from "../local/stack/synthesise.ts";
import { makePicture } from "./fake/picture.ts";
import type { Part } from "./table.ts";

const USERS = 1000;
/** API Gateway gives up on a request after so many seconds, and so does the load generator. */
const GATEWAY_LIMIT_SECONDS = 30;
/** The model while users wait: ten seconds for a picture, and as many calls at once as the settings of `dev` say. */
const MODEL = { latencyMs: 10_000, concurrencyLimit: 8 };

/** What many users at once get to feel of the API, against an endpoint that paints while its caller waits. */
export const acceptance: Part = {
  name: "acceptance",
  quick: false,
  async run() {
    const queued = await onCloud(({ api }) => {
      if (api === undefined) throw new Error("the stack has no API");
      return load(api.url);
    });
    const blocking = await onCloud(loadBaseline);
    const what = `POST /generate, ${USERS} users at once`;
    const late = `${what}: not answered within ${GATEWAY_LIMIT_SECONDS} s`;
    return [
      { what: `${what}: p50`, against: "", unit: "ms", values: [queued.latency.p50] },
      { what: `${what}: p99`, against: "", unit: "ms", values: [queued.latency.p99] },
      { what: late, against: "", unit: "users", values: [USERS - queued["2xx"]], target: 0 },
      {
        what: late,
        against: "this line: an endpoint that paints while its caller waits",
        unit: "users",
        values: [USERS - blocking["2xx"]],
      },
    ];
  },
};

async function onCloud<T>(use: (cloud: Cloud) => Promise<T>): Promise<T> {
  const synthesised = await synthesise("dev", new AbortController().signal);
  if (synthesised === "interrupted") throw new Error("the synthesis was interrupted");
  const picture = makePicture(20_000);
  try {
    const cloud = await startCloud({
      stackDir: synthesised.stackDir,
      port: 0,
      trouble: MODEL,
      painter: { paint: async () => picture, stop: async () => {} },
    });
    try {
      return await use(cloud);
    } finally {
      await cloud.stop();
    }
  } finally {
    await synthesised.remove();
  }
}

function load(url: string): Promise<autocannon.Result> {
  return autocannon({
    url: `${url}/generate`,
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ prompt: "Norwegian mountain landscape with sunset" }),
    connections: USERS,
    amount: USERS,
    timeout: GATEWAY_LIMIT_SECONDS,
    // In a thread of its own, so that it does not wait for what it loads.
    workers: 1,
  });
}

async function loadBaseline(cloud: Cloud): Promise<autocannon.Result> {
  const [spec] = cloud.stack.functions;
  if (spec === undefined || cloud.bedrock === undefined) throw new Error("the stack has no function");
  const functionName = "paint-in-request";
  const baseline = await LambdaFunction.create({
    spec: {
      ...spec,
      functionName,
      zipFile: bundle("bench/fake/paint-in-request.ts").zip,
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
