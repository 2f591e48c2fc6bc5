import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, type OutgoingHttpHeaders, request } from "node:http";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import { checkSettings } from "../config/check.ts";
import { derive } from "../config/derived.ts";
import { modelArn } from "../config/names.ts";
import type { SettingsInput } from "../config/settings.ts";
import { boundaryPermissions } from "../constructs/function-boundary.ts";
import { policyJson } from "../constructs/policy.ts";
import { callerGroup, principalOf } from "../functions/api/caller.ts";
import { startEmulator } from "../local/aws/emulator.ts";
import { startHttpApi } from "../local/gateway/http-api.ts";
import { listenOnLoopback } from "../local/loopback.ts";
import { startBedrock } from "../local/model/bedrock.ts";
import { reportOn } from "../ops/plan-report.ts";
import { checkBoundary } from "../ops/preflight.ts";
import { type Plan, planSchema } from "../ops/terraform-plan.ts";
import { ConsumerBench } from "./support/consumer-bench.ts";
import { type Authorizer, requestOf } from "./support/http-request.ts";
import { grantsOf } from "./support/iam.ts";
import { sampleSettings, settingsWith } from "./support/synthesise.ts";

let bench: ConsumerBench;
beforeAll(async () => {
  bench = await ConsumerBench.start();
  bench.bedrock.setTrouble({ latencyMs: 0 });
});
afterAll(() => bench[Symbol.asyncDispose]());

describe("to be given another person's picture", () => {
  it("by using an id again whose record was deleted: nothing is delivered or overwritten", async () => {
    const requestId = `holiday-${randomUUID()}`;
    await bench.deliver([JSON.stringify({ requestId, prompt: "Alice on the beach" })]);
    const alice = await bench.get(`images/${requestId}.png`);
    await bench.remove(`requests/${requestId}.json`);
    const calls = bench.bedrock.calls.length;
    const bob = JSON.stringify({ requestId, prompt: "Bob in the mountains" });
    for (let delivery = 0; delivery < 3; delivery++) await bench.deliver([bob]);
    expect(await bench.record(requestId)).toMatchObject({ status: "rejected", reason: { code: "IdTaken" } });
    expect(Buffer.from(await bench.get(`images/${requestId}.png`)).equals(alice)).toBe(true);
    expect(bench.bedrock.calls.length - calls).toBeLessThanOrEqual(1);
  });
});

/** What is wrong with settings, one line for each problem. */
function problemsWith(change: Partial<SettingsInput>): string[] {
  const result = checkSettings({ ...sampleSettings, ...change });
  return result.ok ? [] : result.problems.map(({ path, message }) => `${path.join(".")} ${message}`);
}

const EXPRESSION = [`\${file("/etc/passwd")}`, "%{ if true }x%{ endif }", `#{TfToken[TOKEN.1]}`];

describe("to have Terraform evaluate a setting", () => {
  const refusal =
    /^\S+ must not have \{ \} " \\ or a control character, which Terraform could take for an expression\. Remove them$/;

  it.each([...EXPRESSION, 'dev"x', "dev\nx", "dev\u2028x"])("in the key of the state: %j", (key) => {
    const state = { ...sampleSettings.state, key };
    expect(problemsWith({ state })).toEqual([expect.stringMatching(refusal)]);
  });

  it.each(EXPRESSION)("in the issuer, the audience and the origins: %j", (text) => {
    const authorisation = { kind: "jwt" as const, issuer: `https://a.example/${text}`, audience: [text] };
    const api = { ...sampleSettings.api, authorisation, corsOrigins: [`https://${text}`] };
    const problems = problemsWith({ api });
    expect(problems).toHaveLength(3);
    for (const problem of problems) expect(problem).toMatch(refusal);
  });
});

describe("to reach what belongs to others by a setting", () => {
  it.each(["*", "dev/*", "dev?", "../prod/pipeline.tfstate", "/dev", "dev//a", "a".repeat(257), ""])(
    "with a key of the state that is a pattern or leaves its folder: %j",
    (key) => {
      expect(problemsWith({ state: { ...sampleSettings.state, key } })).toEqual([
        "state.key is not a valid path. Use up to 256 characters out of A-Z, a-z, 0-9, dot, hyphen and underscore, without a folder . or ..",
      ]);
    },
  );

  it.each(["bootstrap.tfstate", "bootstrap.tfstate.tflock", "prod/pipeline.tfstate.tflock"])(
    "with the state %s, which belongs to the account or is the lock of another one",
    (key) => {
      expect(problemsWith({ state: { ...sampleSettings.state, key } })).toEqual([
        expect.stringContaining("belongs to the state of npm run bootstrap, or to a lock"),
      ]);
    },
  );

  it.each(["../../", "couch/../", "./", "//", "couch/*/", "couch", "a".repeat(256).concat("/")])(
    "with the key prefix %j",
    (keyPrefix) => {
      expect(problemsWith({ imageBucket: { kind: "existing", name: "ours", keyPrefix } })).toEqual([
        expect.stringContaining("imageBucket.keyPrefix must be empty, or end in /"),
      ]);
    },
  );

  // https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
  it.each([
    ...["a..b", "192.168.1.1", "xn--ours", "sthree-ours", "amzn-s3-demo-ours", "ours-s3alias"],
    ...["ours--ol-s3", "ours.mrap", "ours--use1-az4--x-s3", "ours--table-s3", "Ours", "-ours", "a"],
  ])("with the bucket name %s, which S3 refuses or keeps for itself", (name) => {
    expect(problemsWith({ imageBucket: { kind: "new", name } })).toHaveLength(1);
    expect(problemsWith({ state: { ...sampleSettings.state, bucket: name } })).toHaveLength(1);
  });

  it.each(["192.168.1", "1.2.3.4.5", "a.b", "a-b.c", "the-teams-bucket"])(
    "not with the bucket name %s, which S3 accepts",
    (name) => {
      expect(problemsWith({ imageBucket: { kind: "new", name } })).toEqual([]);
    },
  );

  it("with the bucket of the state for pictures", () => {
    const name = sampleSettings.state.bucket;
    expect(problemsWith({ imageBucket: { kind: "new", name } })).toEqual([
      "imageBucket.name is the bucket of the state, which no function may write to. Give the pictures another bucket",
    ]);
  });
});

describe("to fill the log and the bucket", () => {
  it("with names of fields: the log has none of them, and the record a few", async () => {
    const requestId = randomUUID();
    const fields = Array.from({ length: 20_000 }, (_, index) => [`My neighbour ${index}`, 1]);
    const { log } = await bench.deliver([
      JSON.stringify({ requestId, prompt: "K2", ...Object.fromEntries(fields) }),
    ]);
    expect(log).not.toContain("neighbour");
    expect(log).toContain('"fields":["unknown","body"]');
    const record = await bench.record(requestId);
    if (record.status !== "rejected") throw new Error(`it is ${record.status}`);
    expect(record.reason.message.length).toBeLessThan(2_000);
    expect(record.reason.message).toMatch(/body: has 19990 more unknown fields$/);
  });
});

describe("to take more than one's share of the queue, or to pass for another caller", () => {
  const iam = (callerId: string): Authorizer => ({ iam: { callerId } });
  const cognito = (identityId: string): Authorizer => ({
    iam: { callerId: "AROAPOOL:CognitoIdentityCredentials", cognitoIdentity: { identityId } },
  });
  const token = (iss: string): Authorizer => ({ jwt: { claims: { iss, sub: "1" } } });

  it.each<[string, Authorizer, Authorizer, Authorizer]>([
    ["by naming sessions", iam("AROAAPP:a"), iam("AROAAPP:b/\n"), iam("AROAOPS:a")],
    ["by naming federated users", iam("000000000000:a"), iam("000000000000:b"), iam("AROAAPP:a")],
    ["by sharing a pool's role", cognito("eu-west-1:1"), cognito("eu-west-1:1"), cognito("eu-west-1:2")],
    ["by a subject of another issuer", token("https://a"), token("https://a"), token("https://b")],
  ])("%s: a caller is one principal", (_, one, same, other) => {
    expect(callerGroup(requestOf(same))).toBe(callerGroup(requestOf(one)));
    expect(callerGroup(requestOf(other))).not.toBe(callerGroup(requestOf(one)));
    expect(principalOf(requestOf(one))).toBeDefined();
  });
});

describe("to send prompts from a web page that somebody opens", () => {
  const servers = {
    queues: async () => startEmulator({ port: 0, region: "eu-west-1" }),
    models: async () => startBedrock(),
    API: async () => {
      const spec = { id: "api", stageName: "$default", name: "api", routes: [], throttling: undefined };
      const cors = {
        allow_origins: ["https://couch.example"],
        allow_methods: [],
        allow_headers: [],
        expose_headers: [],
      };
      const options = { port: 0, functions: new Map(), onRequest: () => {} };
      const { url, stop } = await startHttpApi({ spec: { ...spec, cors }, ...options });
      return { endpoint: url, stop };
    },
  };
  const ask = async (endpoint: string, headers: OutgoingHttpHeaders) => {
    const [answer] = await once(
      request(`${endpoint}/nothing`, { headers, method: "POST" }).end(),
      "response",
    );
    return answer.resume().statusCode;
  };

  it.each(Object.entries(servers))("the local %s answer this machine's own names only", async (_, start) => {
    const { endpoint, stop } = await start();
    onTestFinished(stop);
    const { port } = new URL(endpoint);
    for (const host of [
      "evil.example",
      "127.0.0.1.evil.example",
      "localhost.evil.example",
      "192.0.2.1",
      "evil.example\t",
    ])
      expect(await ask(endpoint, { host: `${host}:${port}` }), host).toBe(403);
    for (const host of ["127.0.0.1", "localhost", "[::1]", "images.localhost"])
      expect(await ask(endpoint, { host: `${host}:${port}` }), host).not.toBe(403);
  });

  it.each(Object.entries(servers))("the local %s refuse pages of other sites", async (name, start) => {
    const { endpoint, stop } = await start();
    onTestFinished(stop);
    for (const origin of ["https://evil.example", "null", "http://localhost.evil.example"])
      expect(await ask(endpoint, { origin }), origin).toBe(403);
    expect(await ask(endpoint, { origin: "http://localhost:3000" })).not.toBe(403);
    expect((await ask(endpoint, { origin: "https://couch.example" })) === 403).toBe(name !== "API");
  });
});

describe("to have the consumer paint after the spend breaker has stopped it", () => {
  const planOf = (type: string, enabled: boolean, actions: readonly string[]) =>
    planSchema.parse({
      resource_changes: [
        {
          address: `${type}.prompts`,
          mode: "managed",
          type,
          change: { actions, before: { enabled }, after: {} },
        },
      ],
    });
  const refusalsOf = (plan: Plan) =>
    reportOn(plan, { kept: 0, resources: 0, violations: [], waived: [] }, "dev", true).refusals;

  it("by a plan that replaces its event source: the plan is refused", () => {
    const type = "aws_lambda_event_source_mapping";
    expect(refusalsOf(planOf(type, false, ["delete", "create"]))).toEqual([
      expect.stringContaining(
        `${type}.prompts is stopped, and the one that takes its place would start the consumer.`,
      ),
    ]);
    expect(refusalsOf(planOf(type, true, ["delete", "create"]))).toEqual([]);
    expect(refusalsOf(planOf(type, false, ["delete"]))).toEqual([]);
  });
});

describe("to spend money outside the breaker's sight", () => {
  const settings = settingsWith();
  const boundary = policyJson(boundaryPermissions(settings, "123456789012"));

  it("by a model that is not in the settings: the boundary allows exactly those that are", async () => {
    const grants = grantsOf(boundary).filter(({ action }) => action.startsWith("bedrock:"));
    expect(grants.map(({ resource }) => resource)).toEqual(derive(settings).modelChain.map(modelArn));
  });

  it("the plan names a model that an old boundary lacks, and who adds it", async () => {
    const server = createServer((incoming, response) => {
      const isVersion = (body: string) => body.includes("GetPolicyVersion");
      text(incoming).then((body) =>
        response.end(
          isVersion(body)
            ? `<R><GetPolicyVersionResult><PolicyVersion><Document>${encodeURIComponent(boundary)}</Document></PolicyVersion></GetPolicyVersionResult></R>`
            : "<R><GetPolicyResult><Policy><DefaultVersionId>v1</DefaultVersionId></Policy></GetPolicyResult></R>",
        ),
      );
    });
    vi.stubEnv("AWS_ENDPOINT_URL_IAM", `http://127.0.0.1:${await listenOnLoopback(server)}`);
    vi.stubEnv("AWS_ACCESS_KEY_ID", "test");
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", "test");
    onTestFinished(() => {
      vi.unstubAllEnvs();
      server.closeAllConnections();
      server.close();
    });
    await expect(checkBoundary(settings, "123456789012")).resolves.toBeUndefined();
    const more = settingsWith({ models: [{ id: "stability.stable-image-ultra-v1:1", concurrency: 2 }] });
    await expect(checkBoundary(more, "123456789012")).rejects.toThrow(
      "couch-explorers-boundary-dev does not allow arn:aws:bedrock:us-west-2::foundation-model/stability.stable-image-ultra-v1:1, so each call would be denied. As an administrator, type: npm run bootstrap.",
    );
  });
});
