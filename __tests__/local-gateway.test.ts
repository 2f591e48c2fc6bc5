import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { strToU8, zipSync } from "fflate";
import { expect, it, onTestFinished, vi } from "vitest";
import { startHttpApi } from "../local/gateway/http-api.ts";
import { type InvocationReport, LambdaFunction } from "../local/lambda/lambda.ts";
import type { HttpApiSpec } from "../local/stack/http-api-spec.ts";

interface TestGateway {
  /** Source of index.mjs. */
  readonly code: string;
  readonly timeoutMs?: number;
  readonly throttling?: HttpApiSpec["throttling"];
}

/** A gateway with one route, `POST /work`, to one function. */
async function gatewayWith({ code, timeoutMs = 10_000, throttling }: TestGateway) {
  const folder = await mkdtemp(join(tmpdir(), "local-gateway-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const zipFile = join(folder, "code.zip");
  await writeFile(zipFile, zipSync({ "index.mjs": strToU8(code) }));
  const invocations: InvocationReport[] = [];
  const worker = await LambdaFunction.create({
    spec: {
      functionName: "worker",
      arn: "arn:aws:lambda:eu-west-1:000000000000:function:worker",
      zipFile,
      handler: "index.handler",
      timeoutSeconds: 20,
      memoryMb: 128,
      environment: {},
      region: "eu-west-1",
      logFormat: "JSON",
      reservedConcurrency: undefined,
      mayRecurse: false,
    },
    hostVariables: {},
    onInvocation: (report) => invocations.push(report),
    onLine: () => {},
  });
  onTestFinished(() => worker.stop());
  const api = await startHttpApi({
    spec: {
      id: "api",
      stageName: "$default",
      name: "api",
      routes: [{ routeKey: "POST /work", authorisation: "NONE", functionName: "worker", timeoutMs }],
      cors: undefined,
      throttling,
    },
    port: 0,
    functions: new Map([["worker", worker]]),
    onRequest: () => {},
  });
  onTestFinished(() => api.stop());
  const post = (body = "") => fetch(`${api.url}/work`, { method: "POST", body });
  return { api, worker, invocations, post };
}

const ANSWERS = "export const handler = async () => ({ statusCode: 200, body: 'done' });";
const HANGS = "export const handler = () => new Promise(() => setInterval(() => {}, 1000));";

it("refuses what comes faster than the stage lets through", async () => {
  const { post, invocations } = await gatewayWith({
    code: ANSWERS,
    throttling: { burst: 2, ratePerSecond: 0.001 },
  });
  const statuses = [(await post()).status, (await post()).status, (await post()).status];
  expect(statuses).toEqual([200, 200, 429]);
  expect(invocations).toHaveLength(2);
});

it("lets pages of this machine call without a setting, as an app's development server has them", async () => {
  const { api } = await gatewayWith({ code: ANSWERS });
  const origin = "http://localhost:5173";
  const asked = { "access-control-request-method": "POST", "access-control-request-headers": "prefer" };
  const preflight = await fetch(`${api.url}/work`, { method: "OPTIONS", headers: { origin, ...asked } });
  expect(preflight.status).toBe(204);
  expect(Object.fromEntries(preflight.headers)).toMatchObject({
    "access-control-allow-origin": origin,
    "access-control-allow-methods": "POST",
    "access-control-allow-headers": "prefer",
  });
  const answer = await fetch(`${api.url}/work`, { method: "POST", headers: { origin } });
  expect(answer.headers.get("access-control-allow-origin")).toBe(origin);
  expect(answer.headers.get("access-control-expose-headers")).toBe("*");
});

it("says that the service is not there when the function takes longer than the gateway waits", async () => {
  const { post } = await gatewayWith({ code: HANGS, timeoutMs: 50 });
  const response = await post();
  expect(response.status).toBe(503);
  expect(await response.json()).toEqual({ message: "Service Unavailable" });
});

it("refuses a request that is larger than a gateway takes", async () => {
  const { post, invocations } = await gatewayWith({ code: ANSWERS });
  expect((await post("x".repeat(10 * 1024 * 1024 + 1))).status).toBe(413);
  expect(invocations).toHaveLength(0);
});

it("invokes nothing any more for those who wait when it stops", async () => {
  const { api, worker, invocations, post } = await gatewayWith({ code: HANGS });
  const answers = Promise.allSettled(Array.from({ length: 20 }, () => post()));
  await vi.waitUntil(() => worker.running > 0, { timeout: 10_000 });
  await api.stop();
  const begun = worker.running;
  await worker.stop();
  await vi.waitUntil(() => worker.running === 0, { timeout: 10_000 });
  expect(invocations).toHaveLength(begun);
  expect((await answers).map(({ status }) => status)).toEqual(Array(20).fill("rejected"));
});
